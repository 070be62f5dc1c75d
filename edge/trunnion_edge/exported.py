"""Networks as they ship: read from a bundle or from an export folder, and checked against the manifest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from trunnion_contract.bundle import MODEL
from trunnion_contract.errors import BadInput
from trunnion_contract.files import digest_bytes
from trunnion_contract.manifest import ModelManifest, NetworkFile
from trunnion_contract.strict import read_json
from trunnion_contract.tensor import TensorSpec
from trunnion_edge.backends.engine import EngineSpecs, describe

Reader = Callable[[str], bytes]


def load_export(export_dir: Path) -> tuple[ModelManifest, Reader]:
    """The manifest of an export folder, and a reader of the files beside it.

    Used as `Detector.from_model(*load_export(folder))`.

    Raises:
        BadInput: there is no manifest, or it is not one.
    """
    return read_json(ModelManifest, export_dir / MODEL), lambda name: (export_dir / name).read_bytes()


def read_network(model: NetworkFile, read: Reader) -> bytes:
    """The bytes of a network.

    Raises:
        BadInput: the file is missing, or has other content than the manifest says.
    """
    try:
        data = read(model.file)
    except (KeyError, OSError):
        raise _refused(model, "no such file beside the manifest") from None
    if digest_bytes(data) != model.sha256:
        raise _refused(model, "other content than the manifest says")
    return data


def check_engine(
    specs: EngineSpecs, wanted_inputs: Sequence[TensorSpec], wanted_outputs: Sequence[TensorSpec]
) -> None:
    """Refuse an engine that does not take and give what the manifest promises.

    Raises:
        BadInput: names the tensors that differ.
    """
    for kind, got, wanted in (
        ("input", specs.inputs, wanted_inputs),
        ("output", specs.outputs, wanted_outputs),
    ):
        by_name = {spec.name: spec for spec in got}
        if len(got) != len(wanted) or not all(
            spec.name in by_name and _fits(by_name[spec.name], spec) for spec in wanted
        ):
            raise BadInput(
                where=f"the {kind} of the network",
                got=_described(got),
                wanted=f"{_described(wanted)}, as the manifest says",
                next_step="export the model again",
            )


def _described(specs: Sequence[TensorSpec]) -> str:
    return ", ".join(f"{spec.name} {describe(spec)}" for spec in specs)


def _fits(got: TensorSpec, wanted: TensorSpec) -> bool:
    """Whether the tensors agree; a free dimension agrees with any."""
    return (got.name, got.dtype, len(got.shape)) == (wanted.name, wanted.dtype, len(wanted.shape)) and all(
        isinstance(a, str) or isinstance(b, str) or a == b
        for a, b in zip(got.shape, wanted.shape, strict=True)
    )


def _refused(model: NetworkFile, got: str) -> BadInput:
    return BadInput(
        where=model.file,
        got=got,
        wanted=f"SHA-256 {model.sha256[:12]}…",
        next_step="export or fetch the model again",
    )
