"""Precision: networks small enough to reason about lose what they must, and sensitive blocks stay as they were.

A picture is of one colour, and the colour is its class: the network sees a box for each colour, as sure as the picture
is of that colour. A block that makes one colour ten thousand times fainter than the others loses it to 8 bits, and one
that makes all a hundred million times brighter loses all to half precision.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationMethod, TensorsData

from trunnion_contract.detector_spec import DetectorSpec
from trunnion_contract.errors import BadInput, ExitCode, GatesFailed
from trunnion_contract.files import digest_file, write_text
from trunnion_contract.manifest import DetectorModel
from trunnion_contract.progress import Silent
from trunnion_contract.tensor import TensorSpec
from trunnion_contract.usecase import Export
from trunnion_edge.backends import EngineSettings, open_engine
from trunnion_training.precision.anatomy import Anatomy, name_nodes
from trunnion_training.precision.calibration import CALIBRATORS, IMAGES_MAX, calibration_images
from trunnion_training.precision.fp16 import to_fp16
from trunnion_training.precision.int8 import to_int8
from trunnion_training.precision.search import Bounds
from trunnion_training.precision.sensitivity import rounding_to_int8
from trunnion_training.precision.variants import add_variants, require_accuracy

SIZE_PX = 32
BOX_PX = [8.0, 8.0, 24.0, 24.0]
EVEN = (1.0, 1.0, 1.0)
FAINT = (1.0, 1.0, 1e-4)
HUGE = (1e8, 1e8, 1e8)
Scale = tuple[float, float, float]


def network(middle: Scale = EVEN) -> onnx.ModelProto:
    """Four convolutions that leave the colours as they are; the second scales them by `middle`, the third undoes it."""
    back = tuple(1 / factor for factor in middle)
    scales = {"stem": EVEN, "wide": middle, "back": back, "head": EVEN}
    source, nodes, weights = "images", [], []
    for block, scale in scales.items():
        weights.append(
            numpy_helper.from_array(np.diag(scale).astype(np.float32)[..., None, None], f"{block}.w")
        )
        nodes.append(helper.make_node("Conv", [source, f"{block}.w"], [block], name=f"/{block}/Conv"))
        source = block
    boxes = np.tile(np.array(BOX_PX, np.float32), (1, 3, 1))
    classes = np.arange(3, dtype=np.float32).reshape(1, 3, 1)
    weights += [numpy_helper.from_array(value, name) for name, value in (("boxes", boxes), ("ids", classes))]
    weights.append(numpy_helper.from_array(np.array([2], np.int64), "last"))
    nodes += [
        helper.make_node("ReduceMean", ["head"], ["mean"], name="/after/ReduceMean", axes=[2, 3], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "last"], ["scores"], name="/after/Unsqueeze"),
        helper.make_node("Concat", ["boxes", "scores", "ids"], ["output0"], name="/after/Concat", axis=2),
    ]
    given = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, SIZE_PX, SIZE_PX])
    made = helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, 3, 6])
    graph = helper.make_graph(nodes, "colours", [given], [made], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


@pytest.fixture(scope="module")
def dataset_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures in red, green and blue, a little brighter each."""
    root = tmp_path_factory.mktemp("colours")
    for split, count in (("train", 9), ("val", 6)):
        for index in range(count):
            image = root / "images" / split / f"{index}.jpg"
            label = root / "labels" / split / f"{index}.txt"
            image.parent.mkdir(parents=True, exist_ok=True)
            label.parent.mkdir(parents=True, exist_ok=True)
            colour = np.zeros(3, np.uint8)
            colour[2 - index % 3] = 150 + 10 * index
            cv2.imwrite(str(image), np.full((SIZE_PX, SIZE_PX, 3), colour, np.uint8))
            label.write_text(f"{index % 3} 0.5 0.5 0.5 0.5\n")
    return root


def detector(folder: Path, model: onnx.ModelProto) -> DetectorModel:
    """The network in a file, with what the manifest says of it."""
    path = folder / "detector.onnx"
    onnx.save(model, path)
    spec = DetectorSpec(
        input=TensorSpec(name="images", dtype="float32", shape=(1, 3, SIZE_PX, SIZE_PX)),
        output=TensorSpec(name="output0", dtype="float32", shape=(1, 3, 6)),
        image_size_px=SIZE_PX,
        labels=("red", "green", "blue"),
        confidence_threshold=0.4,
    )
    return DetectorModel(file=path.name, sha256=digest_file(path), parity=(), spec=spec)


def with_variants(
    folder: Path,
    model: onnx.ModelProto,
    dataset_dir: Path,
    *precisions: str,
    limit: float = 1.0,
    int8_for: str = "cpu",
) -> DetectorModel:
    export = Export.model_validate(
        {"precisions": ["fp32", *precisions], "map_drop_max_points": limit, "int8_for": int8_for}
    )
    return add_variants(detector(folder, model), export, dataset_dir, folder, Silent())


def kinds(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def feeds_of(model: onnx.ModelProto, node: str) -> list[str]:
    """The kinds of the nodes that a node reads."""
    makers = {name: maker.op_type for maker in model.graph.node for name in maker.output}
    (found,) = [candidate for candidate in model.graph.node if candidate.name == node]
    return [makers.get(name, "input") for name in found.input]


def test_a_network_is_known_by_its_convolutions() -> None:
    anatomy = Anatomy(network().graph)
    assert anatomy.stem == {"/stem/Conv"}
    assert anatomy.last == anatomy.head == {"/head/Conv"}
    assert anatomy.tail == {"/after/ReduceMean", "/after/Unsqueeze", "/after/Concat"}
    assert list(anatomy.blocks()) == ["stem", "wide", "back", "head", "after"]


def test_what_wraps_every_block_is_no_block() -> None:
    model = network()
    for node in model.graph.node:
        node.name = f"/model{node.name}"
    anatomy = Anatomy(model.graph)
    assert list(anatomy.blocks()) == ["stem", "wide", "back", "head", "after"]
    assert anatomy.head == {"/model/head/Conv"}


def test_a_block_that_holds_most_of_a_network_is_divided() -> None:
    model = network()
    for node in model.graph.node:
        if node.name in ("/stem/Conv", "/wide/Conv", "/back/Conv"):
            node.name = f"/backbone{node.name}"
    anatomy = Anatomy(model.graph)
    assert list(anatomy.blocks())[:4] == ["backbone/stem", "backbone/wide", "backbone/back", "head"]


def test_nodes_without_a_name_of_their_own_get_one() -> None:
    model = network()
    for node in model.graph.node:
        node.name = ""
    name_nodes(model.graph)
    assert len({node.name for node in model.graph.node}) == len(model.graph.node)


def test_fp16_takes_and_gives_float32_and_computes_in_halves_in_between() -> None:
    model = network((0.3, 0.3, 0.3))
    half = to_fp16(model, Anatomy(model.graph).tail)
    assert kinds(half).count("Cast") == 2
    assert {weight.data_type for weight in half.graph.initializer if weight.name.endswith("_fp16")} == {
        TensorProto.FLOAT16
    }
    image = np.random.default_rng(0).random((1, 3, SIZE_PX, SIZE_PX), np.float32)
    answers = []
    for candidate in (model, half):
        with open_engine(candidate.SerializeToString(), EngineSettings(device="cpu")) as engine:
            assert [tensor.dtype for tensor in engine.specs.inputs + engine.specs.outputs] == ["float32"] * 2
            answers.append(engine.infer({"images": image})["output0"])
    np.testing.assert_array_equal(answers[1][..., :4], answers[0][..., :4])
    np.testing.assert_allclose(answers[1], answers[0], rtol=2e-3)
    assert not np.array_equal(answers[1], answers[0])


def test_two_kept_nodes_that_read_one_tensor_share_a_cast_and_an_output_keeps_its_name() -> None:
    model = network()
    model.graph.node.append(helper.make_node("Relu", ["head"], ["seen"], name="/after/Relu"))
    shape = [1, 3, SIZE_PX, SIZE_PX]
    model.graph.output.append(helper.make_tensor_value_info("seen", TensorProto.FLOAT, shape))
    both_kept = to_fp16(model, {"/after/ReduceMean", "/after/Unsqueeze", "/after/Concat", "/after/Relu"})
    assert kinds(both_kept).count("Cast") == 2
    nothing_kept = to_fp16(model, ())
    assert [output.name for output in nothing_kept.graph.output] == ["output0", "seen"]
    open_engine(nothing_kept.SerializeToString(), EngineSettings(device="cpu")).close()


def test_int8_quantises_weights_by_channel_and_leaves_the_ends_alone(
    dataset_dir: Path, tmp_path: Path
) -> None:
    with_variants(tmp_path, network(), dataset_dir, "int8")
    quantised = onnx.load(tmp_path / "detector.int8.onnx")
    assert feeds_of(quantised, "/wide/Conv")[:2] == ["DequantizeLinear"] * 2
    assert feeds_of(quantised, "/back/Conv")[:2] == ["DequantizeLinear"] * 2
    assert "DequantizeLinear" not in feeds_of(quantised, "/stem/Conv")[1:]
    assert feeds_of(quantised, "/head/Conv")[1:] == ["input"]
    scales = [weight for weight in quantised.graph.initializer if weight.name.startswith("wide.w_scale")]
    assert [list(scale.dims) for scale in scales] == [[3]]
    assert {opset.domain for opset in quantised.opset_import} == {""}


def quantised_by(model: onnx.ModelProto) -> dict[str, NDArray[Any]]:
    """Name to value of everything that is a zero point."""
    named = {name for node in model.graph.node if "Linear" in node.op_type for name in node.input[2:]}
    return {w.name: numpy_helper.to_array(w) for w in model.graph.initializer if w.name in named}


def test_int8_for_tensorrt_has_no_zero_points_and_leaves_biases_alone(
    dataset_dir: Path, tmp_path: Path
) -> None:
    source = network()
    source.graph.initializer.append(numpy_helper.from_array(np.full(3, 0.01, np.float32), "wide.b"))
    next(node for node in source.graph.node if node.name == "/wide/Conv").input.append("wide.b")
    model = with_variants(tmp_path, source, dataset_dir, "int8", int8_for="tensorrt")
    assert model.variants[0].parity.passed
    quantised = onnx.load(tmp_path / "detector.int8.onnx")
    assert feeds_of(quantised, "/wide/Conv") == ["DequantizeLinear", "DequantizeLinear", "input"]
    zero_points = quantised_by(quantised).values()
    assert len(zero_points) > 2
    assert {zero.dtype.name for zero in zero_points} == {"int8"}
    assert not any(zero.any() for zero in zero_points)


def test_int8_for_cpus_has_unsigned_activations(dataset_dir: Path, tmp_path: Path) -> None:
    with_variants(tmp_path, network(), dataset_dir, "int8")
    kinds_of_zero = {
        zero.dtype.name for zero in quantised_by(onnx.load(tmp_path / "detector.int8.onnx")).values()
    }
    assert "uint8" in kinds_of_zero


@pytest.mark.parametrize(("symmetric", "lost"), [(False, 0.0), (True, 1.0)])
def test_rounding_around_zero_wastes_the_steps_that_no_value_takes(symmetric: bool, lost: float) -> None:
    ranges = TensorsData(CalibrationMethod.MinMax, {"x": (np.float32(0), np.float32(255))})
    values = np.arange(256.0)
    rounded = rounding_to_int8(ranges, symmetric)("x", values)
    assert np.abs(rounded - values).max() == pytest.approx(lost, abs=0.02)


@pytest.mark.parametrize("int8_for", ["cpu", "tensorrt"])
def test_the_blocks_that_int8_loses_a_class_in_are_left_in_fp32_whatever_it_is_for(
    int8_for: str, dataset_dir: Path, tmp_path: Path
) -> None:
    model = with_variants(tmp_path, six_blocks(FAINT), dataset_dir, "int8", int8_for=int8_for)
    assert model.variants[0].parity.passed
    made = onnx.load(tmp_path / model.variants[0].file)
    assert [_reads_rounded(made, node) for node in ("/wide/Conv", "/more/Conv")] == [False, True]


def test_a_variant_is_measured_on_the_validation_split(dataset_dir: Path, tmp_path: Path) -> None:
    model = with_variants(tmp_path, network(), dataset_dir, "fp16", "int8")
    assert model.accuracy is not None
    assert model.accuracy.map50 == pytest.approx(1.0)
    assert [variant.precision for variant in model.variants] == ["fp16", "int8"]
    for variant in model.variants:
        assert variant.sha256 == digest_file(tmp_path / variant.file)
        assert variant.accuracy.images == variant.parity.images == 6
        assert variant.parity.passed
    require_accuracy(model, tmp_path)


def test_the_same_network_and_images_give_the_same_bytes(dataset_dir: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        with_variants(tmp_path / name, network(), dataset_dir, "fp16", "int8")
    for file in ("detector.fp16.onnx", "detector.int8.onnx"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


@pytest.mark.parametrize(("precision", "middle"), [("int8", FAINT), ("fp16", HUGE)])
def test_the_blocks_that_lose_a_class_are_left_in_fp32(
    precision: str, middle: Scale, dataset_dir: Path, tmp_path: Path
) -> None:
    model = with_variants(tmp_path, six_blocks(middle), dataset_dir, precision)
    assert model.variants[0].parity.passed
    made = onnx.load(tmp_path / model.variants[0].file)
    left_out, lowered = ("/wide/Conv", "/back/Conv"), "/more/Conv"
    reads_rounded = [_reads_rounded(made, node) for node in (*left_out, lowered)]
    assert reads_rounded == [False, False, True]


def _reads_rounded(model: onnx.ModelProto, node: str) -> bool:
    """Whether the weights that a node reads have less than 32 bits."""
    (found,) = [candidate for candidate in model.graph.node if candidate.name == node]
    floats = {w.name for w in model.graph.initializer if w.data_type == TensorProto.FLOAT}
    return found.input[1] not in floats


def six_blocks(middle: Scale) -> onnx.ModelProto:
    """The network with two more convolutions, which lose nothing, before the head."""
    model = network(middle)
    weights = [
        numpy_helper.from_array(np.eye(3, dtype=np.float32)[..., None, None], f"{b}.w")
        for b in ("more", "most")
    ]
    model.graph.initializer.extend(weights)
    (head,) = [node for node in model.graph.node if node.name == "/head/Conv"]
    at = list(model.graph.node).index(head)
    head.input[0] = "most"
    for source, block in (("more", "most"), ("back", "more")):
        model.graph.node.insert(
            at, helper.make_node("Conv", [source, f"{block}.w"], [block], name=f"/{block}/Conv")
        )
    onnx.checker.check_model(model, full_check=True)
    return model


def test_a_loss_that_no_search_mends_fails_the_export_by_name(dataset_dir: Path, tmp_path: Path) -> None:
    model = with_variants(tmp_path, network(FAINT), dataset_dir, "int8")
    assert not model.variants[0].parity.passed
    assert (tmp_path / "detector.int8.onnx").exists()
    with pytest.raises(GatesFailed, match=r"int8 lost 33\.\d+ points.*at most 1 points") as failed:
        require_accuracy(model, tmp_path / "model.json")
    assert "take int8 out of export.precisions, or raise export.map_drop_max_points" in str(failed.value)
    assert failed.value.exit_code == ExitCode.GATES_FAILED


def test_every_calibrator_is_tried_and_the_better_one_kept(dataset_dir: Path, tmp_path: Path) -> None:
    source = detector(tmp_path, network())
    images = calibration_images(dataset_dir, source.spec)

    def made(drops: list[float]) -> tuple[bytes, list[bytes]]:
        tried: list[bytes] = []

        def drop(candidate: onnx.ModelProto) -> float:
            tried.append(candidate.SerializeToString())
            return drops[len(tried) - 1]

        best = to_int8(tmp_path / source.file, source.spec, images, Bounds(drop, 1.0), tmp_path, Silent())
        return best.SerializeToString(), tried

    for drops, place in (([0.1, 0.4], 0), ([0.4, 0.1], 1)):
        best, tried = made(drops)
        assert len(tried) == len(CALIBRATORS) == 2
        assert tried[0] != tried[1]
        assert best == tried[place]


def test_calibration_looks_at_train_images_spread_over_the_split(dataset_dir: Path, tmp_path: Path) -> None:
    spec = detector(tmp_path, network()).spec
    images = calibration_images(dataset_dir, spec)
    assert len(images) == 9
    assert images[0].shape == (1, 3, SIZE_PX, SIZE_PX)
    assert all(
        np.array_equal(a, b) for a, b in zip(images, calibration_images(dataset_dir, spec), strict=True)
    )


def test_of_a_large_split_32_train_images_are_taken_at_even_distances(tmp_path: Path) -> None:
    many, spec = 100, detector(tmp_path, network()).spec
    for split, offset in (("train", 0), ("val", 150)):
        folder = tmp_path / "images" / split
        folder.mkdir(parents=True)
        for number in range(many):
            grey = np.full((SIZE_PX, SIZE_PX, 3), offset + number, np.uint8)
            cv2.imwrite(str(folder / f"{number:03d}.jpg"), grey, [cv2.IMWRITE_JPEG_QUALITY, 100])
            write_text(tmp_path / "labels" / split / f"{number:03d}.txt", "")
    images = calibration_images(tmp_path, spec)
    assert len(images) == IMAGES_MAX == 32
    greys = [round(float(image.max()) * 255) for image in images]
    assert set(greys) <= set(range(many)), "of the train split alone"
    assert (greys[0], greys[-1]) == (0, many - 1)
    assert set(np.diff(greys).tolist()) == {3, 4}


def test_a_network_with_nothing_to_quantise_is_bad_input(dataset_dir: Path, tmp_path: Path) -> None:
    model = network()
    for node in list(model.graph.node):
        if node.name in ("/wide/Conv", "/back/Conv"):
            model.graph.node.remove(node)
    next(node for node in model.graph.node if node.name == "/head/Conv").input[0] = "stem"
    with pytest.raises(BadInput, match=r"take int8 out of export\.precisions"):
        with_variants(tmp_path, model, dataset_dir, "int8")


def test_ctrl_c_ends_the_calibration_and_leaves_no_network(dataset_dir: Path, tmp_path: Path) -> None:
    class Impatient(Silent):
        label = ""

        def start(self, label: str, total: int) -> None:
            self.label = label

        def advance(self, steps: int = 1, note: str = "") -> None:
            if self.label.startswith("calibrating"):
                raise KeyboardInterrupt

    export = Export.model_validate({"precisions": ["fp32", "int8"]})
    with pytest.raises(KeyboardInterrupt):
        add_variants(detector(tmp_path, network()), export, dataset_dir, tmp_path, Impatient())
    assert [path.name for path in tmp_path.iterdir()] == ["detector.onnx"]
