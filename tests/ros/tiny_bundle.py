"""A bundle that is small, whole and predictable, in variants that differ in what they see or in how they fail."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tests.ros.faults import Fault, fault_nodes

from trunnion_contract.bundle import MODEL, PROOF, REPORT, pack
from trunnion_contract.cell import BinLayout, CameraLayout, CellLayout, MotionLimits, TrayLayout
from trunnion_contract.detector_spec import DetectorSpec, KeypointSpec, MaskSpec, Task
from trunnion_contract.files import digest_bytes, digest_file, write_json
from trunnion_contract.manifest import DetectorModel, Entry, ModelManifest, PolicyModel, PolicySpec
from trunnion_contract.proof import Gate, Proof
from trunnion_contract.tensor import TensorSpec

IMAGE_SIZE_PX = 320
# In the letterboxed square; in a 320x240 image it is 40 pixels higher.
BOX_PX = (100.0, 120.0, 140.0, 160.0)
# In the square too: x, y and how visible it is.
KEYPOINT = (110.0, 130.0, 0.5)
TRAP_BRIGHTNESS = 230
POLICY_GAIN_PER_S = 4.0

LAYOUT = CellLayout(
    camera=CameraLayout(
        width_px=320,
        height_px=240,
        vertical_field_of_view_deg=28.6,
        position_base_m=(0.49, 0.0, 0.95),
        look_at_base_m=(0.49, 0.0, 0.0),
    ),
    tray=TrayLayout(center_base_m=(0.50, 0.0, 0.005), size_m=(0.26, 0.26)),
    bins={
        "A": BinLayout(
            center_base_m=(0.50, 0.225, 0.0), size_m=(0.20, 0.14), drop_base_m=(0.50, 0.225, 0.12)
        ),
        "B": BinLayout(
            center_base_m=(0.50, -0.225, 0.0), size_m=(0.20, 0.14), drop_base_m=(0.50, -0.225, 0.12)
        ),
    },
    part_heights_m={"gear": 0.018, "bolt": 0.018, "nut": 0.016},
    home_base_m=(0.50, 0.225, 0.22),
    limits=MotionLimits(
        workspace_low_base_m=(0.34, -0.30, 0.008),
        workspace_high_base_m=(0.66, 0.30, 0.30),
        speed_max_mps=0.6,
        acceleration_max_mps2=6.0,
    ),
)


@dataclass(frozen=True)
class Variant:
    """What is special about a bundle.

    Attributes:
        box_px: what it sees, in the letterboxed square.
        fault: what goes wrong with frames that are at least TRAP_BRIGHTNESS bright, and with no other.
        task: masks that fill the left half of the box, or one keypoint at KEYPOINT, half visible.
        batch: whether it takes several images at once.
        overlapping: gives candidates, and as a second one the same box a quarter of its width further right, less sure.
    """

    version: str = "0.1.0"
    box_px: tuple[float, float, float, float] = BOX_PX
    labels: tuple[str, ...] = ("gear", "bolt", "nut")
    threshold: float = 0.4
    fault: Fault = ""
    task: Task = "detection"
    batch: bool = False
    overlapping: bool = False


def write_bundle(folder: Path, variant: Variant = Variant()) -> Path:
    """A bundle whose detector sees one gear, as sure as the middle of the image is bright, and whose policy goes
    straight to its target with open fingers."""
    export, prove = folder / "export", folder / "prove"
    export.mkdir(parents=True), prove.mkdir(parents=True)
    onnx.save(detector_network(variant), export / "detector.onnx")
    onnx.save(_policy(), export / "policy.onnx")
    model = _manifest(export, variant)
    write_json(export / MODEL, model.model_dump(mode="json", by_alias=True))
    write_json(prove / PROOF, _proof(model).model_dump(mode="json", by_alias=True))
    (prove / REPORT).write_text("<p>proven by hand</p>")
    file = folder / f"tiny-{variant.version}.trunnion"
    pack(export, prove, file, "# Tiny\n")
    return file


def detector_network(variant: Variant = Variant()) -> onnx.ModelProto:
    """[N, 3, S, S] → [N, 300, 6 + e]: one row that counts; its score is the brightest value in the middle."""
    spec = detector_spec(variant)
    row, only_score, only_class = (np.zeros((1, 300, spec.columns), np.float32) for _ in range(3))
    row[0, 0, :4] = variant.box_px
    row[0, 0, 6:] = KEYPOINT if spec.keypoints else 1
    only_score[0, 0, 4] = only_class[0, 0, 5] = 1
    if variant.overlapping:
        left, top, right, bottom = variant.box_px
        row[0, :2, :4] = (left + right) / 2, (top + bottom) / 2, right - left, bottom - top
        row[0, 1, 0] += (right - left) / 4
        row[0, :, 4:] = 0
        only_score[0, 1, 4], only_class[:] = 0.9, 0
    constants = {
        "row": row,
        "only_score": only_score,
        "only_class": only_class,
        "from": np.array([150, 150]),
        "to": np.array([170, 170]),
        "axes": np.array([2, 3]),
        "limit": np.array([[(TRAP_BRIGHTNESS - 0.5) / 255]], np.float32),
        "many": np.array([99], np.float32),
        "one": np.array([1], np.float32),
        "last": np.array([2]),
    }
    nodes = [
        helper.make_node("Slice", ["images", "from", "to", "axes"], ["middle"]),
        helper.make_node("ReduceMax", ["middle"], ["channels"], keepdims=0, axes=[2, 3]),
        helper.make_node("ReduceMax", ["channels"], ["bright"], keepdims=1, axes=[1]),
        helper.make_node("Greater", ["bright", "limit"], ["trapped"]),
        helper.make_node("Cast", ["trapped"], ["trap"], to=TensorProto.FLOAT),
        *fault_nodes(variant.fault),
        helper.make_node("Unsqueeze", ["score", "last"], ["scores"]),
        helper.make_node("Unsqueeze", ["class", "last"], ["classes"]),
        helper.make_node("Mul", ["only_score", "scores"], ["scored"]),
        helper.make_node("Mul", ["only_class", "classes"], ["classed"]),
        helper.make_node("Add", ["row", "scored"], ["seen"]),
        helper.make_node("Add", ["seen", "classed"], ["rows" if variant.overlapping else "output0"]),
    ]
    if variant.overlapping:
        nodes.append(helper.make_node("Transpose", ["rows"], ["output0"], perm=[0, 2, 1]))
    if spec.masks:
        constants["half"] = _left_half(variant)
        nodes.append(helper.make_node("Identity", ["half"], ["prototypes"]))
    return _network(nodes, spec.input, spec.outputs, constants)


def _left_half(variant: Variant) -> np.ndarray:
    """float32 [1, 1, S / 4, S / 4]: above 0 left of the middle of the box."""
    cells = np.full((1, 1, IMAGE_SIZE_PX // 4, IMAGE_SIZE_PX // 4), -1, np.float32)
    cells[..., : round((variant.box_px[0] + variant.box_px[2]) / 8)] = 1
    return cells


def _policy() -> onnx.ModelProto:
    """[N, 11] → [N, 4]: velocity = gain (target - gripper), opening = 0.08."""
    weights = np.zeros((11, 4), np.float32)
    weights[0:3, 0:3] = -POLICY_GAIN_PER_S * np.eye(3)
    weights[5:8, 0:3] = POLICY_GAIN_PER_S * np.eye(3)
    constants = {"weights": weights, "bias": np.array([0, 0, 0, 0.08], np.float32)}
    node = helper.make_node("Gemm", ["observation", "weights", "bias"], ["action"])
    spec = _policy_spec()
    return _network([node], spec.input, (spec.output,), constants)


def _network(
    nodes: list[Any], given: TensorSpec, made: tuple[TensorSpec, ...], constants: dict[str, np.ndarray]
) -> onnx.ModelProto:
    inputs, outputs = (
        [helper.make_tensor_value_info(spec.name, TensorProto.FLOAT, list(spec.shape)) for spec in specs]
        for specs in ((given,), made)
    )
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def detector_spec(variant: Variant) -> DetectorSpec:
    batch = "N" if variant.batch else 1
    prototypes = TensorSpec(
        name="prototypes", dtype="float32", shape=(1, 1, IMAGE_SIZE_PX // 4, IMAGE_SIZE_PX // 4)
    )
    extras = {"detection": 0, "segmentation": 1, "pose": 3}[variant.task]
    columns = 4 + len(variant.labels) if variant.overlapping else 6 + extras
    shape = (batch, columns, 300) if variant.overlapping else (batch, 300, columns)
    return DetectorSpec(
        form="candidates" if variant.overlapping else "chosen",
        input=TensorSpec(name="images", dtype="float32", shape=(batch, 3, IMAGE_SIZE_PX, IMAGE_SIZE_PX)),
        output=TensorSpec(name="output0", dtype="float32", shape=shape),
        image_size_px=IMAGE_SIZE_PX,
        labels=variant.labels,
        confidence_threshold=variant.threshold,
        masks=MaskSpec(prototypes=prototypes, coefficients=1) if variant.task == "segmentation" else None,
        keypoints=KeypointSpec(names=("axle",)) if variant.task == "pose" else None,
    )


def _manifest(export: Path, variant: Variant) -> ModelManifest:
    return ModelManifest(
        name="tiny",
        version=variant.version,
        problem="a test",
        usecase_digest=digest_bytes(b"a use case"),
        dataset_digest=None,
        detector=DetectorModel(
            file="detector.onnx",
            sha256=digest_file(export / "detector.onnx"),
            parity=(),
            spec=detector_spec(variant),
        ),
        policy=PolicyModel(
            file="policy.onnx",
            sha256=digest_file(export / "policy.onnx"),
            parity=(),
            spec=_policy_spec(),
        ),
        cell=LAYOUT,
        made_with={},
        licences={},
    )


def _policy_spec() -> PolicySpec:
    def metres(name: str, size: int = 3) -> Entry:
        return Entry(name=name, size=size, unit="m", low=-1, high=1)

    grasped = Entry(name="grasped", size=1, unit="1", low=0, high=1)
    return PolicySpec(
        input=TensorSpec(name="observation", dtype="float32", shape=("n", 11)),
        output=TensorSpec(name="action", dtype="float32", shape=("n", 4)),
        observation=(
            metres("gripper_base_m"),
            metres("opening_m", 1),
            grasped,
            metres("target_base_m"),
            metres("place_base_m"),
        ),
        action=(
            Entry(name="velocity_base_mps", size=3, unit="m/s", low=-1, high=1),
            metres("opening_m", 1),
        ),
        rate_hz=20,
    )


def _proof(model: ModelManifest) -> Proof:
    return Proof(
        name=model.name,
        version=model.version,
        usecase_digest=model.usecase_digest,
        dataset_digest=None,
        model_digest=model.digest(),
        files=model.files(),
        runtime={},
        gates=(Gate(name="by hand", got="yes", wanted="yes", passed=True),),
        simulated=True,
    )
