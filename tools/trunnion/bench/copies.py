"""Copies of a bundle for the bench: the detector marks every answer, so that it tells by itself which network gave it,
or is another one, or the policy has another rate.

The marked ones cost what the bundle costs to open and to run. The proofs of all are written here: they prove nothing,
and stay in the bench.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from trunnion_contract.bundle import MODEL, PROOF, REPORT, Bundle, pack
from trunnion_contract.detector_spec import DetectorSpec
from trunnion_contract.files import digest_bytes, write_json
from trunnion_contract.manifest import DetectorModel, ModelManifest

# Left edges of the marks of two copies, in the letterboxed image.
MARKS_PX = (16, 48)
MARK_SIDE_PX = 8
# Where the network looks for a white spot, on which a trapped copy names a class that there is not.
TRAP_SIDE_PX = 4
_TRAP_ABOVE = 0.9
_NO_CLASS = 9999


def why_unmarkable(spec: DetectorSpec) -> str:
    """Why a detector cannot mark its answers, empty where it can: a mark is one more row [1, 1, 6] of its output."""
    shape = spec.output.shape
    if spec.form != "chosen":
        return f"it gives {spec.form}, not objects"
    if spec.extras:
        return f"its objects have more than a box ({spec.task})"
    if spec.input.shape[0] != 1 or shape[0] != 1:
        return "it takes several images at once"
    return "" if isinstance(shape[1], int) else "it gives any number of objects"


def marked(bundle: Bundle, folder: Path, left_px: int, *, trapped: bool = False) -> Path:
    """A copy whose detector also sees a square at `left_px` in the middle row of its letterboxed image.

    Only of a detector that can be marked (`why_unmarkable`).
    """
    detector = bundle.model.detector
    assert detector is not None
    network = _with_mark(bundle.read(detector.file), detector, left_px, trapped)
    model = _manifest(bundle.model, detector, network, f"{left_px}{'t' if trapped else ''}")
    return _packed(bundle, folder, model, {detector.file: network})


def with_detector(bundle: Bundle, folder: Path, network: bytes, spec: DetectorSpec) -> Path:
    """A copy with this detector alone."""
    detector = DetectorModel(file="detector.onnx", sha256=digest_bytes(network), parity=(), spec=spec)
    version = f"{bundle.model.version}+{spec.image_size_px}px"
    update = {"detector": detector, "policy": None, "cell": None, "version": version}
    return _packed(bundle, folder, bundle.model.model_copy(update=update), {detector.file: network})


def quickened(bundle: Bundle, folder: Path, rate_hz: float) -> Path:
    """A copy whose policy acts at this rate."""
    assert bundle.model.policy is not None
    spec = bundle.model.policy.spec.model_copy(update={"rate_hz": rate_hz})
    policy = bundle.model.policy.model_copy(update={"spec": spec})
    version = f"{bundle.model.version}+{rate_hz:g}hz"
    return _packed(bundle, folder, bundle.model.model_copy(update={"policy": policy, "version": version}), {})


def _packed(bundle: Bundle, folder: Path, model: ModelManifest, changed: dict[str, bytes]) -> Path:
    export, prove = folder / "export", folder / "prove"
    export.mkdir(parents=True), prove.mkdir(parents=True)
    for name in model.files():
        (export / name).write_bytes(changed[name] if name in changed else bundle.read(name))
    write_json(export / MODEL, model.model_dump(mode="json", by_alias=True))
    update = {"version": model.version, "model_digest": model.digest(), "files": model.files()}
    if not (model.detector and model.detector.variants):
        update["variants"] = ()
    proof = bundle.proof.model_copy(update=update)
    write_json(prove / PROOF, proof.model_dump(mode="json", by_alias=True))
    (prove / REPORT).write_text("<p>a copy for the bench</p>")
    pack(export, prove, folder / "copy.trunnion", "# A copy for the bench\n")
    return folder / "copy.trunnion"


def _manifest(model: ModelManifest, detector: DetectorModel, network: bytes, mark: str) -> ModelManifest:
    batch, rows, columns = detector.spec.output.shape
    assert isinstance(rows, int)
    output = detector.spec.output.model_copy(update={"shape": (batch, rows + 1, columns)})
    spec = detector.spec.model_copy(update={"output": output})
    update = {"spec": spec, "sha256": digest_bytes(network), "variants": ()}
    marked_detector = detector.model_copy(update=update)
    return model.model_copy(update={"detector": marked_detector, "version": f"{model.version}+mark{mark}"})


def _with_mark(network: bytes, detector: DetectorModel, left_px: int, trapped: bool) -> bytes:
    """One more row at the end of the output: the mark."""
    model = onnx.load_from_string(network)
    name, middle_px = detector.spec.output.name, detector.spec.image_size_px // 2
    box = [left_px, middle_px, left_px + MARK_SIDE_PX, middle_px + MARK_SIDE_PX]
    constants = {
        "mark_row": np.array([[[*box, 0.99, 0]]], np.float32),
        "mark_class": np.array([[[0, 0, 0, 0, 0, _NO_CLASS if trapped else 0]]], np.float32),
        "mark_from": np.array([middle_px, 0]),
        "mark_to": np.array([middle_px + TRAP_SIDE_PX, TRAP_SIDE_PX]),
        "mark_axes": np.array([2, 3]),
        "mark_limit": np.array(_TRAP_ABOVE, np.float32),
    }
    for node in model.graph.node:
        node.output[:] = ["mark_before" if output == name else output for output in node.output]
    model.graph.node.extend(_mark_nodes(detector.spec.input.name, name))
    model.graph.initializer.extend(numpy_helper.from_array(value, key) for key, value in constants.items())
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value += 1
    return bytes(model.SerializeToString())


def _mark_nodes(input_name: str, output_name: str) -> list[onnx.NodeProto]:
    return [
        helper.make_node("Slice", [input_name, "mark_from", "mark_to", "mark_axes"], ["mark_spot"]),
        helper.make_node("ReduceMin", ["mark_spot"], ["mark_least"], keepdims=0),
        helper.make_node("Greater", ["mark_least", "mark_limit"], ["mark_is_white"]),
        helper.make_node("Cast", ["mark_is_white"], ["mark_white"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["mark_class", "mark_white"], ["mark_wrong"]),
        helper.make_node("Add", ["mark_row", "mark_wrong"], ["mark"]),
        helper.make_node("Concat", ["mark_before", "mark"], [output_name], axis=1),
    ]
