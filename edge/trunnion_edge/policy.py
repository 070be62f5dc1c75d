"""The policy: a named observation in, a named action out, both in SI units."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trunnion_contract.errors import BadInput, Broken
from trunnion_contract.manifest import Entry, ModelManifest, PolicySpec
from trunnion_contract.tensor import TensorSpec
from trunnion_edge.backends import Engine, EngineSettings, open_engine
from trunnion_edge.exported import Reader, check_engine, read_network


class NotFinite(Broken):
    """An observation or an action holds NaN or infinity: the arm must hold."""


class Policy:
    """Runs the network on the entries that the manifest lists. One thread at a time calls it."""

    def __init__(self, engine: Engine, spec: PolicySpec) -> None:
        check_engine(engine.specs, spec.inputs, (spec.output,))
        self.engine = engine
        self.spec = spec
        self._slices = _slices(spec.observation)
        self._action_slices = _slices(spec.action)
        self._planned: deque[NDArray[np.float32]] = deque()
        self._vector = np.zeros((1, sum(entry.size for entry in spec.observation)), np.float32)
        self._given = (*self._slices, *((spec.image.name,) if spec.image else ()))

    @classmethod
    def from_model(
        cls,
        manifest: ModelManifest,
        read: Reader,
        settings: EngineSettings = EngineSettings(device="cpu", threads=1),
    ) -> Policy:
        """Open the policy of a bundle (`bundle.model, bundle.read`) or an export folder (`*load_export(folder)`).

        One CPU thread is the default: a network this small loses more to waking threads than it wins.

        Raises:
            BadInput: there is no policy in it, or its file does not fit the manifest.
        """
        if manifest.policy is None:
            raise BadInput(
                where=manifest.name,
                got="no policy",
                wanted="one",
                next_step="add models.policy to the use case",
            )
        engine = open_engine(read_network(manifest.policy, read), settings.beside(read))
        try:
            return cls(engine, manifest.policy.spec)
        except BaseException:
            engine.close()
            raise

    def act(self, observation: Mapping[str, ArrayLike]) -> dict[str, NDArray[np.float32]]:
        """Entries of the observation by name → entries of the action by name, each float32 [size].

        A policy that sees is given its image, uint8 [h, w, 3], RGB, as one more of them, under `spec.image.name`.
        A policy of chunks asks its network every `spec.replan_every`-th time, and carries out what it planned between.

        Raises:
            BadInput: an entry is missing, unknown or of another size, or the image is.
            NotFinite: a value of the observation or of the action is not finite.
        """
        if observation.keys() != set(self._given):
            raise BadInput(
                where="the policy's observation",
                got=", ".join(observation) or "nothing",
                wanted=", ".join(self._given),
                next_step="give every entry that the manifest lists, and no other",
            )
        for name, part in self._slices.items():
            self._vector[0, part] = _checked(name, observation[name], part.stop - part.start)
        image = (
            _checked_image(self.spec.image, observation[self.spec.image.name]) if self.spec.image else None
        )
        if not self._planned:
            self._planned.extend(self._plan(image))
        action = self._planned.popleft()
        return {name: action[part] for name, part in self._action_slices.items()}

    def forget(self) -> None:
        """Drop what was planned ahead: the next action rests on the next observation."""
        self._planned.clear()

    def warm_up(self, runs: int = 2) -> None:
        """Act on the middle of each range, in the dark, so that the first real step does not pay for allocations."""
        middle: dict[str, ArrayLike] = {
            e.name: np.full(e.size, (e.low + e.high) / 2) for e in self.spec.observation
        }
        if self.spec.image:
            middle[self.spec.image.name] = np.zeros(self.spec.image.shape[1:], np.uint8)
        for _ in range(runs):
            self.act(middle)

        self.forget()

    def close(self) -> None:
        """Close the engine."""
        self.engine.close()

    def __enter__(self) -> Policy:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _plan(self, image: NDArray[np.uint8] | None) -> NDArray[np.float32]:
        """The actions until the network is asked again, float32 [replan_every, size]."""
        inputs: dict[str, NDArray[Any]] = {self.spec.input.name: self._vector}
        if self.spec.image and image is not None:
            inputs[self.spec.image.name] = image[None]
        outputs = self.engine.infer(inputs)
        output: NDArray[np.float32] = outputs[self.spec.output.name][0]
        if not np.isfinite(output).all():
            raise _not_finite("the policy's action", output)
        return output.reshape(self.spec.chunk, -1)[: self.spec.replan_every]


def _slices(entries: tuple[Entry, ...]) -> dict[str, slice]:
    """Where each entry lies in the vector."""
    slices, start = {}, 0
    for entry in entries:
        slices[entry.name] = slice(start, start + entry.size)
        start += entry.size
    return slices


def _checked(name: str, value: ArrayLike, size: int) -> NDArray[np.float32]:
    array = np.asarray(value, np.float32).reshape(-1)
    if array.size != size:
        raise BadInput(
            where=f"'{name}' of the policy's observation",
            got=f"{array.size} values",
            wanted=f"{size}",
            next_step="give the entry as the manifest lists it",
        )
    if not np.isfinite(array).all():
        raise _not_finite(f"'{name}' of the policy's observation", array)
    return array


def _checked_image(spec: TensorSpec, value: ArrayLike) -> NDArray[np.uint8]:
    image = np.asarray(value)
    if image.dtype != np.uint8 or image.shape != spec.shape[1:]:
        raise BadInput(
            where=f"'{spec.name}' of the policy's observation",
            got=f"{image.dtype} {list(image.shape)}",
            wanted=f"{spec.dtype} {list(spec.shape[1:])}",
            next_step="give the image as the manifest says, RGB, and as the camera of training saw it",
        )
    return image


def _not_finite(where: str, values: NDArray[np.float32]) -> NotFinite:
    return NotFinite(where=where, got=str(values.tolist()), wanted="finite values", next_step="hold the arm")
