"""The policy's network: SI units in, SI units out, and the ONNX export that keeps it so."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby, pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from trunnion_contract.errors import BadInput
from trunnion_contract.files import whole_file
from trunnion_contract.manifest import Entry, PolicySpec

INPUT, IMAGE, OUTPUT = "observation", "image", "action"
# An entry that never changes has no spread to divide by.
_SPREAD_MIN = 1e-3
# Distances at which a gripper's approach and its last step happen; beyond them the view of an offset saturates.
_NEAR_M, _AT_M = 0.02, 0.006
_TABLE_M = 0.1
_LOG_FLOOR_M = 0.001

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Scale:
    """How one vector is brought to mean 0 and spread 1, and in which range it lies; float32 [n] each, SI units."""

    mean: Array
    spread: Array
    low: Array
    high: Array

    @classmethod
    def of(cls, values: Array, low: Array, high: Array) -> Scale:
        """The scale of float32 [N, n] samples."""
        mean, spread = values.mean(axis=0, dtype=np.float64), values.std(axis=0, dtype=np.float64)
        return cls(mean.astype(np.float32), np.maximum(spread, _SPREAD_MIN).astype(np.float32), low, high)


# What keeps an action in its range: cutting it off, as for cloning and PPO, or a curve, as for SAC.
Squash = Literal["clip", "tanh"]
Columns = tuple[int, ...]
Pairs = tuple[tuple[Columns, Columns], ...]


def position_pairs(entries: Sequence[Entry]) -> Pairs:
    """The columns of every two positions (in metres, two or three numbers) that stand in a vector of `entries`."""
    ends = [int(end) for end in np.cumsum([entry.size for entry in entries])]
    columns = [tuple(range(end - entry.size, end)) for entry, end in zip(entries, ends, strict=True)]
    positions = [
        where for entry, where in zip(entries, columns, strict=True) if entry.unit == "m" and entry.size > 1
    ]
    return tuple((a, b) for a, b in combinations(positions, 2) if len(a) == len(b))


def _offset_features(offsets_m: Tensor) -> Tensor:
    """Offsets [N, pairs, 2 or 3] from far and near, with their lengths in space and over the ground; [N, features]."""
    lengths = torch.cat([_length(offsets_m), _length(offsets_m[..., :2])], dim=-1)
    features = [
        offsets_m / _TABLE_M,
        torch.tanh(offsets_m / _NEAR_M),
        torch.tanh(offsets_m / _AT_M),
        torch.tanh(lengths / _NEAR_M),
        torch.log(lengths + _LOG_FLOOR_M),
    ]
    return torch.cat(features, dim=-1).flatten(1)


def _length(offsets_m: Tensor) -> Tensor:
    # The tiny term keeps the slope finite where the offset is exactly zero.
    return torch.sqrt((offsets_m * offsets_m).sum(dim=-1, keepdim=True) + 1e-12)


def _by_width(pairs: Pairs) -> list[tuple[Tensor, Tensor]]:
    """The columns of the first and second positions, int64 [pairs, 2 or 3]; those of one width are seen at once."""
    groups = [list(group) for _, group in groupby(pairs, key=lambda pair: len(pair[0]))]
    return [(torch.tensor([a for a, _ in group]), torch.tensor([b for _, b in group])) for group in groups]


class PolicyNetwork(nn.Module):
    """A multi-layer perceptron between a normalisation and a scaling, both part of the graph.

    float32 [N, observation] in SI units → float32 [N, action] in SI units, within the action's range. Beside the
    observation it sees the offsets between the positions in it (`pairs`), from far and near: millimetres decide a
    grasp, and drown in the spread of positions over a table.
    """

    def __init__(
        self,
        spec: PolicySpec,
        observation: Scale,
        action: Scale,
        hidden: Sequence[int],
        pairs: Pairs = (),
        squash: Squash = "clip",
    ) -> None:
        super().__init__()
        self.spec, self.hidden, self.pairs, self.squash = spec, tuple(hidden), pairs, squash
        for name, scale in (("observation", observation), ("action", action)):
            for part in ("mean", "spread", "low", "high"):
                self.register_buffer(
                    f"{name}_{part}", torch.from_numpy(np.array(getattr(scale, part), np.float32))
                )
        self._offsets = _by_width(pairs)
        sizes = [len(observation.mean) + sum(3 * len(first) + 4 for first, _ in pairs), *hidden]
        layers = [layer for a, b in pairwise(sizes) for layer in (nn.Linear(a, b), nn.ReLU())]
        self.layers = nn.Sequential(*layers, nn.Linear(sizes[-1], len(action.mean)))

    @property
    def feature_size(self) -> int:
        """How many numbers the first layer sees."""
        return int(self.layers[0].in_features)

    def forward(self, observation: Tensor) -> Tensor:
        """Act."""
        scaled = self.scaled_action(observation) * self.action_spread + self.action_mean
        return torch.minimum(torch.maximum(scaled, self.action_low), self.action_high)

    def features(self, observation: Tensor) -> Tensor:
        """What the first layer sees: the normalised observation, and the offsets in it."""
        features = [(observation - self.observation_mean) / self.observation_spread]
        for first, second in self._offsets:
            features.append(_offset_features(observation[:, second] - observation[:, first]))
        return torch.cat(features, dim=1)

    def scaled_action(self, observation: Tensor) -> Tensor:
        """The action before scaling, where all entries weigh alike: what the loss compares."""
        raw = self.layers(self.features(observation))
        return torch.tanh(raw) if self.squash == "tanh" else raw

    def normalised(self, action: Tensor) -> Tensor:
        """An action in SI units as `scaled_action` would give it."""
        return (action - self.action_mean) / self.action_spread

    def save(self, path: Path) -> None:
        """Write the weights (tensors only, no code)."""
        with whole_file(path) as temporary, temporary.open("wb") as file:
            content = {
                "kind": "perceptron",
                "hidden": list(self.hidden),
                "pairs": self.pairs,
                "squash": self.squash,
                "state": self.state_dict(),
            }
            torch.save(content, file)

    @classmethod
    def load(cls, path: Path, spec: PolicySpec) -> PolicyNetwork:
        """Read what `save` wrote, of a policy with this spec.

        Raises:
            BadInput: the file is absent or damaged.
        """
        try:
            content = torch.load(path, weights_only=True)
            state = content["state"]
            scales = [
                Scale(*(state[f"{name}_{part}"].numpy() for part in ("mean", "spread", "low", "high")))
                for name in ("observation", "action")
            ]
            squash = content.get("squash", "clip")
            network = cls(spec, *scales, content["hidden"], content["pairs"], squash)
            network.load_state_dict(state)
        except Exception as error:  # whatever a broken archive raises
            raise BadInput(
                where=str(path),
                got=f"a file that does not load ({type(error).__name__})",
                wanted="a policy that trunnion train wrote",
                next_step="train the policy again",
            ) from None
        return network.eval()

    def act(self, observation: Array) -> Array:
        """float32 [N, observation] → float32 [N, action]."""
        with torch.inference_mode():
            action: Array = self(torch.from_numpy(np.ascontiguousarray(observation))).numpy()
        return action

    def export_onnx(self, path: Path, opset: int) -> None:
        """Write the graph, normalisation and scaling inside, with a free number of rows."""
        export_graph(self, {INPUT: torch.zeros(1, len(self.observation_mean))}, path, opset)


def export_graph(network: nn.Module, inputs: Mapping[str, Tensor], path: Path, opset: int) -> None:
    """Write a policy's `forward` as ONNX; it takes inputs like these, with a free number of rows."""
    with whole_file(path) as temporary, warnings.catch_warnings():
        # The newer exporter needs packages that the older one, which is enough here, does without.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            network.eval(),
            tuple(inputs.values()),
            str(temporary),
            input_names=list(inputs),
            output_names=[OUTPUT],
            dynamic_axes={name: {0: "N"} for name in (*inputs, OUTPUT)},
            opset_version=opset,
            dynamo=False,
        )
