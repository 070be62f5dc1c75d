"""What every engine offers, whichever runtime is behind it, and the check of what goes in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from trunnion_contract.errors import BadInput
from trunnion_contract.tensor import TensorSpec
from trunnion_edge.engine_builder import Check

Array = NDArray[Any]
Device = Literal["auto", "cpu", "gpu"]
DEVICES: tuple[Device, ...] = get_args(Device)


@dataclass(frozen=True)
class EngineSettings:
    """Which runtime runs a network, where, and what it may use.

    Attributes:
        backend: a key of `BACKENDS`, or "auto" for the best one that is here.
        device: "cpu"; "gpu", which is an error where there is none; or "auto", a GPU where one works, else the CPU.
        threads: CPU threads of the runtime; None leaves it to the runtime.
        cache_dir: where engines that are built on this device are kept; None is the user's cache folder.
        workspace_mib: memory of the GPU that the builder of an engine may use for one layer.
        attached_engines: whether an engine that came with the network is taken; it is code to the GPU.
        attached: reads the files that came with the network, built engines among them, by name.
        check: what an engine that is built here must pass.
    """

    backend: str = "auto"
    device: Device = "auto"
    threads: int | None = None
    cache_dir: Path | None = None
    workspace_mib: int = 1024
    attached_engines: bool = True
    attached: Callable[[str], bytes] | None = field(default=None, compare=False, repr=False)
    check: Check[Engine] | None = field(default=None, compare=False, repr=False)

    def beside(self, read: Callable[[str], bytes]) -> EngineSettings:
        """These settings for a network that came with these files, whose engines are taken where that is wanted."""
        return replace(self, attached=read if self.attached_engines else None)


class CannotRunHere(BadInput):
    """A runtime, or the device wanted of it, cannot be used on this machine; another one may."""


@dataclass(frozen=True)
class EngineSpecs:
    """What a network takes and gives, as the file itself says; a dimension given by name is free."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


class Engine(Protocol):
    """A network that is ready to run. One thread at a time calls it."""

    @property
    def specs(self) -> EngineSpecs:
        """Inputs and outputs."""

    @property
    def runtime(self) -> str:
        """Name and version of the runtime, and the device it runs on, for logs and proofs."""

    def infer(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Run the network.

        Raises:
            BadInput: an input is missing, unknown, or of another dtype or shape than the network takes.
            Broken: the network or its device failed while it ran.
        """

    def close(self) -> None:
        """Give back what the engine holds; calling it again does nothing."""

    def __enter__(self) -> Engine:
        """Return the engine itself."""

    def __exit__(self, *exception: object) -> None:
        """Close."""


def check_inputs(specs: EngineSpecs, inputs: Mapping[str, Array]) -> None:
    """Refuse inputs that the network does not take, before the runtime sees them.

    Raises:
        BadInput: names the input, and what the network wants of it.
    """
    if len(inputs) != len(specs.inputs) or any(spec.name not in inputs for spec in specs.inputs):
        raise BadInput(
            where="the inputs of the network",
            got=", ".join(inputs) or "none",
            wanted=", ".join(spec.name for spec in specs.inputs),
            next_step="give each input under the network's own name",
        )
    for spec in specs.inputs:
        if not accepts(spec, inputs[spec.name]):
            array = inputs[spec.name]
            raise BadInput(
                where=f"input '{spec.name}' of the network",
                got=f"{array.dtype} {list(array.shape)}"
                if isinstance(array, np.ndarray)
                else type(array).__name__,
                wanted=describe(spec),
                next_step="convert it, or use the model that fits",
            )


def accepts(spec: TensorSpec, array: Array) -> bool:
    """Whether `array` has the dtype and shape of `spec`."""
    return (
        isinstance(array, np.ndarray)
        and _is(array.dtype, spec.dtype)
        and len(array.shape) == len(spec.shape)
        and all(
            isinstance(want, str) or want == got for want, got in zip(spec.shape, array.shape, strict=True)
        )
    )


@cache
def _is(dtype: np.dtype[Any], name: str) -> bool:
    # Kept, because numpy puts a dtype's name together anew each time, which takes 50 µs after a network ran.
    return bool(dtype.name == name)


def describe(spec: TensorSpec) -> str:
    """`spec` for a message: dtype and shape."""
    return f"{spec.dtype} [{', '.join(str(dimension) for dimension in spec.shape)}]"


def onnx_bytes(model: Path | bytes) -> bytes:
    """The bytes of a network that is given as a file or as bytes.

    Raises:
        BadInput: the file cannot be read.
    """
    if isinstance(model, bytes):
        return model
    try:
        return model.read_bytes()
    except OSError as error:
        raise BadInput(
            where=str(model),
            got=f"a file that cannot be read ({error.strerror})",
            wanted="an ONNX file",
            next_step="check the path",
        ) from None
