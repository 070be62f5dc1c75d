"""The detector's variants: networks of less precision, measured against fp32 on the validation split."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import onnx

from trunnion_contract.detector_spec import DetectorSpec
from trunnion_contract.errors import GatesFailed
from trunnion_contract.files import digest_bytes, whole_file
from trunnion_contract.manifest import Accuracy, DetectorModel, DetectorVariant, Precision, PrecisionParity
from trunnion_contract.progress import Progress
from trunnion_contract.usecase import Export, Int8For
from trunnion_edge.accuracy import TrueBoxes, measure
from trunnion_edge.backends import EngineSettings, open_engine
from trunnion_edge.decode import Detections
from trunnion_edge.labelled_images import split_images
from trunnion_training.parity import boxes_difference
from trunnion_training.precision.anatomy import Anatomy, name_nodes
from trunnion_training.precision.calibration import Tensor, calibration_images
from trunnion_training.precision.fp16 import to_fp16
from trunnion_training.precision.int8 import to_int8
from trunnion_training.precision.search import Bounds, tried, without_sensitive_blocks
from trunnion_training.precision.sensitivity import block_noise, rounding_to_fp16
from trunnion_training.vision.evaluate import detect_all

_CPU = EngineSettings(device="cpu")
# Rounding to eleven bits makes noise of 1e-7 of the signal's energy; much more are values too large or too small.
_FP16_NOISE_MAX = 1e-4


class Reference:
    """The fp32 network on the validation split, and how far others are from it."""

    def __init__(self, network: bytes, spec: DetectorSpec, dataset_dir: Path, progress: Progress) -> None:
        self._spec, self._progress = spec, progress
        self._images = split_images(dataset_dir, "val")
        self._found, self._truths = self._detect(network)
        self.accuracy = _accuracy(self._found, self._truths)

    def drop_points(self, network: onnx.ModelProto) -> float:
        """Hundredths of mAP50-95 that a network loses."""
        found, truths = self._detect(network.SerializeToString())
        return 100 * (self.accuracy.map50_95 - _accuracy(found, truths).map50_95)

    def compare(self, network: bytes, drop_max_points: float) -> tuple[PrecisionParity, Accuracy]:
        """How far a network is from this one, and how right it is."""
        found, truths = self._detect(network)
        accuracy = _accuracy(found, truths)
        parity = PrecisionParity(
            images=len(truths),
            map50_drop_points=100 * (self.accuracy.map50 - accuracy.map50),
            map50_95_drop_points=100 * (self.accuracy.map50_95 - accuracy.map50_95),
            map50_95_drop_max_points=drop_max_points,
            boxes_largest_px=boxes_difference(self._found, found).absolute,
        )
        return parity, accuracy

    def _detect(self, network: bytes) -> tuple[list[Detections], list[TrueBoxes]]:
        with open_engine(network, _CPU) as engine:
            return detect_all(engine, self._spec, self._images, self._progress)


def add_variants(
    detector: DetectorModel, export: Export, dataset_dir: Path, out_dir: Path, progress: Progress
) -> DetectorModel:
    """Write the networks of every precision but fp32 beside it, and measure all of them.

    Raises:
        BadInput: the train or validation split has no images, or there is nothing in the network to quantise.
    """
    source = out_dir / detector.file
    reference = Reference(source.read_bytes(), detector.spec, dataset_dir, progress)
    images = calibration_images(dataset_dir, detector.spec)
    bounds = Bounds(reference.drop_points, export.map_drop_max_points)
    variants = []
    for precision in export.precisions[1:]:
        make = partial(_int8, export.int8_for) if precision == "int8" else _fp16
        network = make(source, detector.spec, images, bounds, progress)
        variants.append(_written(network, precision, source, reference, export))
    return detector.model_copy(update={"accuracy": reference.accuracy, "variants": tuple(variants)})


def _written(
    network: onnx.ModelProto, precision: Precision, source: Path, reference: Reference, export: Export
) -> DetectorVariant:
    target = source.with_suffix(f".{precision}.onnx")
    data = _write(network, target)
    parity, accuracy = reference.compare(data, export.map_drop_max_points)
    return DetectorVariant(
        file=target.name, sha256=digest_bytes(data), precision=precision, parity=parity, accuracy=accuracy
    )


def require_accuracy(detector: DetectorModel, where: Path) -> None:
    """Refuse variants that lose more than they may.

    Raises:
        GatesFailed: names each precision with what it lost.
    """
    failed = [variant for variant in detector.variants if not variant.parity.passed]
    if failed:
        raise GatesFailed(
            where=str(where),
            got="; ".join(
                f"{of.precision} lost {of.parity.map50_95_drop_points:.2f} points" for of in failed
            ),
            wanted=f"at most {failed[0].parity.map50_95_drop_max_points:g} points of mAP50-95 below fp32",
            next_step=f"take {' and '.join(of.precision for of in failed)} out of export.precisions, "
            "or raise export.map_drop_max_points",
        )


def _fp16(
    source: Path, spec: DetectorSpec, images: list[Tensor], bounds: Bounds, progress: Progress
) -> onnx.ModelProto:
    """What comes after the last convolutions stays fp32, because half precision counts pixels above 256 in quarters.

    So does what half precision cannot hold. That is looked for and not measured: on a CPU, ONNX Runtime computes FP16
    in fp32, so that accuracy there sees the rounding of weights only.
    """
    network = onnx.load(source)
    name_nodes(network.graph)
    anatomy = Anatomy(network.graph)
    noise = block_noise(network, images, rounding_to_fp16, anatomy.tail)
    blocks = anatomy.blocks()
    lost = {name for block in noise if noise[block] > _FP16_NOISE_MAX for name in blocks[block]}
    kept = anatomy.tail | lost
    make = partial(to_fp16, network)
    first = tried(make, kept, bounds)
    return without_sensitive_blocks(first, make, network, rounding_to_fp16, kept, images, bounds).network


def _int8(
    runs_on: Int8For,
    source: Path,
    spec: DetectorSpec,
    images: list[Tensor],
    bounds: Bounds,
    progress: Progress,
) -> onnx.ModelProto:
    with tempfile.TemporaryDirectory() as folder:
        return to_int8(source, spec, images, bounds, Path(folder), progress, runs_on)


def _write(network: onnx.ModelProto, target: Path) -> bytes:
    """Without times, paths and versions, which would make every export another file."""
    del network.metadata_props[:]
    data = bytes(network.SerializeToString())
    with whole_file(target) as temporary:
        temporary.write_bytes(data)
    return data


def _accuracy(found: Sequence[Detections], truths: Sequence[TrueBoxes]) -> Accuracy:
    measured = measure(found, truths)
    return Accuracy(images=len(truths), map50=measured.map50, map50_95=measured.map50_95)
