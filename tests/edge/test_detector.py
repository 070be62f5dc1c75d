"""The detector: image in, boxes in its pixels out, by a network whose answer can be worked out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from trunnion_contract.detector_spec import DetectorSpec, MaskSpec
from trunnion_contract.errors import BadInput, Broken
from trunnion_contract.files import digest_bytes, write_json
from trunnion_contract.manifest import DetectorModel, ModelManifest
from trunnion_contract.tensor import TensorSpec
from trunnion_edge.backends import EngineSettings, open_engine
from trunnion_edge.detector import Detector
from trunnion_edge.exported import load_export

# In the square of 64: a 128x64 image fills rows 16 to 48, at half its size.
BOXES = [[8.0, 20.0, 16.0, 24.0], [0.0, 16.0, 64.0, 48.0], [32.0, 32.0, 48.0, 40.0]]


@pytest.fixture
def network(colour_network: Callable[..., bytes]) -> bytes:
    return colour_network(BOXES)


@pytest.fixture
def manifest(network: bytes, detector_spec: DetectorSpec) -> ModelManifest:
    model = DetectorModel(file="detector.onnx", sha256=digest_bytes(network), parity=(), spec=detector_spec)
    return ModelManifest(
        name="colours",
        version="0.1.0",
        problem="p",
        usecase_digest="0",
        dataset_digest=None,
        detector=model,
        made_with={},
        licences={},
    )


def image(blue: int, green: int, red: int) -> np.ndarray:
    """A 128x64 image of one colour; half of the square stays grey (114), so scores lie between."""
    return np.full((64, 128, 3), (blue, green, red), np.uint8)


def test_a_red_image_gives_the_red_box_in_its_own_pixels(network: bytes, detector_spec: DetectorSpec) -> None:
    with Detector(open_engine(network), detector_spec) as detector:
        found = detector.detect(image(0, 0, 255))
    assert [detector.labels[i] for i in found.class_ids] == ["red"]
    np.testing.assert_allclose(found.boxes_px, [[16, 8, 32, 16]])
    np.testing.assert_allclose(found.scores, [(1 + 114 / 255) / 2], rtol=1e-5)


def test_the_threshold_can_be_changed_between_two_frames(network: bytes, detector_spec: DetectorSpec) -> None:
    with Detector(open_engine(network), detector_spec, confidence_threshold=0.1) as detector:
        assert detector.detect(image(0, 255, 255)).class_ids.tolist() == [0, 1, 2]
        detector.confidence_threshold = 0.5
        assert detector.detect(image(0, 255, 255)).class_ids.tolist() == [0, 1]


def test_results_of_one_frame_survive_the_next(network: bytes, detector_spec: DetectorSpec) -> None:
    with Detector(open_engine(network), detector_spec) as detector:
        first = detector.detect(image(0, 0, 255))
        kept = first.boxes_px.copy(), first.scores.copy()
        detector.detect(image(255, 255, 0))
    np.testing.assert_array_equal(first.boxes_px, kept[0])
    np.testing.assert_array_equal(first.scores, kept[1])


def test_a_class_without_a_label_is_an_error(
    colour_network: Callable[..., bytes], detector_spec: DetectorSpec
) -> None:
    engine = open_engine(colour_network(BOXES, class_ids=(0, 1, 3)))
    with (
        Detector(engine, detector_spec) as detector,
        pytest.raises(Broken, match="got class 3, wanted a class below 3"),
    ):
        detector.detect(image(255, 0, 0))


def test_a_network_of_another_size_than_the_manifest_says_is_refused(
    network: bytes, detector_spec: DetectorSpec
) -> None:
    wanted = detector_spec.input.model_copy(update={"shape": (1, 3, 128, 128)})
    with pytest.raises(
        BadInput, match=r"images float32 \[1, 3, 64, 64\], wanted images float32 \[1, 3, 128, 128\]"
    ):
        Detector(open_engine(network), detector_spec.model_copy(update={"input": wanted}))


def test_it_opens_from_a_manifest_and_whatever_reads_the_files(
    network: bytes, manifest: ModelManifest
) -> None:
    contents: Mapping[str, bytes] = {"detector.onnx": network}
    with Detector.from_model(
        manifest, contents.__getitem__, EngineSettings(device="cpu", threads=1)
    ) as detector:
        detector.warm_up()
        assert len(detector.detect(image(0, 0, 255))) == 1


def test_it_opens_from_an_export_folder(network: bytes, manifest: ModelManifest, tmp_path: Path) -> None:
    (tmp_path / "detector.onnx").write_bytes(network)
    write_json(tmp_path / "model.json", manifest.model_dump(mode="json", by_alias=True))
    with Detector.from_model(*load_export(tmp_path)) as detector:
        assert len(detector.detect(image(0, 0, 255))) == 1


def test_a_file_with_one_byte_changed_is_refused(network: bytes, manifest: ModelManifest) -> None:
    changed = network[:-1] + bytes([network[-1] ^ 1])
    with pytest.raises(BadInput, match=r"detector\.onnx: got other content than the manifest says"):
        Detector.from_model(manifest, lambda name: changed)


def test_a_missing_file_and_a_missing_manifest_are_named(manifest: ModelManifest, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"model\.json: got no such file"):
        load_export(tmp_path)
    write_json(tmp_path / "model.json", manifest.model_dump(mode="json", by_alias=True))
    with pytest.raises(BadInput, match=r"detector\.onnx: got no such file"):
        Detector.from_model(*load_export(tmp_path))


def test_a_model_without_a_detector_says_what_to_add(manifest: ModelManifest) -> None:
    with pytest.raises(BadInput, match=r"add models\.detector"):
        Detector.from_model(manifest.model_copy(update={"detector": None}), lambda name: b"")


def of_batches(spec: DetectorSpec) -> DetectorSpec:
    """The same for any number of images."""
    free = {"input": (("N", 3, 64, 64)), "output": (("N", 3, 6))}
    tensors = {"input": spec.input, "output": spec.output}
    return spec.model_copy(
        update={name: tensors[name].model_copy(update={"shape": shape}) for name, shape in free.items()}
    )


def test_images_of_any_sizes_go_through_a_network_that_takes_several_at_once(
    colour_network: Callable[..., bytes], detector_spec: DetectorSpec
) -> None:
    images = [image(0, 0, 255), np.full((40, 30, 3), (0, 255, 255), np.uint8), image(255, 0, 0)] * 4
    with (
        Detector(open_engine(colour_network(BOXES, batch="N")), of_batches(detector_spec)) as several,
        Detector(open_engine(colour_network(BOXES)), detector_spec) as single,
    ):
        assert (several.batch_max, single.batch_max) == (8, 1)
        together = several.detect_many(images)
        alone = [single.detect(picture) for picture in images]
        by_ones = single.detect_many(images)
    for batched, one, by_one in zip(together, alone, by_ones, strict=True):
        for other in (batched, by_one):
            np.testing.assert_array_equal(other.class_ids, one.class_ids)
            np.testing.assert_allclose(other.scores, one.scores, rtol=1e-6)
            np.testing.assert_allclose(other.boxes_px, one.boxes_px, rtol=1e-6)


def test_nothing_is_detected_in_no_images(network: bytes, detector_spec: DetectorSpec) -> None:
    with Detector(open_engine(network), detector_spec) as detector:
        assert detector.detect_many([]) == []


def test_it_says_how_long_each_stage_took(network: bytes, detector_spec: DetectorSpec) -> None:
    with Detector(open_engine(network), detector_spec) as detector:
        detector.detect(image(0, 0, 255))
        assert all(0 < stage_s < 1 for stage_s in detector.stages_s)
        assert len(detector.stages_s) == 3


def test_a_network_without_an_output_that_the_manifest_promises_is_refused(
    network: bytes, detector_spec: DetectorSpec
) -> None:
    prototypes = TensorSpec(name="prototypes", dtype="float32", shape=(1, 1, 16, 16))
    spec = detector_spec.model_copy(update={"masks": MaskSpec(prototypes=prototypes, coefficients=1)})
    with pytest.raises(BadInput, match=r"wanted output0 .*, prototypes float32"):
        Detector(open_engine(network), spec)
