from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from trunnion.harm import harmed_export, noised
from trunnion_contract.bundle import MODEL
from trunnion_contract.detector_spec import DetectorSpec
from trunnion_contract.files import digest_bytes, write_json
from trunnion_contract.manifest import DetectorModel, ModelManifest
from trunnion_contract.tensor import TensorSpec
from trunnion_edge.exported import load_export, read_network


@pytest.fixture(scope="module")
def network() -> bytes:
    """One layer: weights [8, 4] and a bias."""
    weights = np.random.default_rng(0).normal(0, 2, (8, 4)).astype(np.float32)
    kept = [
        numpy_helper.from_array(weights, "weights"),
        numpy_helper.from_array(np.ones(4, np.float32), "bias"),
    ]
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["given", "weights", "bias"], ["made"])],
        "layer",
        [helper.make_tensor_value_info("given", TensorProto.FLOAT, [1, 8])],
        [helper.make_tensor_value_info("made", TensorProto.FLOAT, [1, 4])],
        kept,
    )
    return bytes(helper.make_model(graph).SerializeToString())


def _tensors(network: bytes) -> dict[str, np.ndarray]:
    model = onnx.load_model_from_string(network)
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def test_noise_is_on_the_weights_as_strong_as_asked_and_repeatable(network: bytes) -> None:
    before, after = _tensors(network), _tensors(noised(network, 0.3, seed=1))
    off = after["weights"] - before["weights"]
    assert off.std() / before["weights"].std() == pytest.approx(0.3, rel=0.4)
    assert np.array_equal(after["bias"], before["bias"])
    assert noised(network, 0.3, seed=1) == noised(network, 0.3, seed=1) != noised(network, 0.3, seed=2)


@pytest.mark.parametrize("harm", ["none", "detector"])
def test_a_harmed_export_is_whole_for_the_use_case_and_the_original_is_untouched(
    tmp_path: Path, network: bytes, small_flow, harm
) -> None:
    spec = DetectorSpec(
        input=TensorSpec(name="images", dtype="float32", shape=(1, 3, 64, 64)),
        output=TensorSpec(name="output0", dtype="float32", shape=(1, 300, 6)),
        image_size_px=64,
        labels=("part",),
        confidence_threshold=0.4,
    )
    detector = DetectorModel(file="detector.onnx", sha256=digest_bytes(network), parity=(), spec=spec)
    model = ModelManifest(
        name="small", version="0.1.0", problem="count", usecase_digest="0" * 64, dataset_digest=None,
        detector=detector, made_with={}, licences={},
    )  # fmt: skip
    export_dir, usecase = tmp_path / "export", small_flow.small_usecase()
    export_dir.mkdir()
    (export_dir / detector.file).write_bytes(network)
    write_json(export_dir / MODEL, model.model_dump(mode="json", by_alias=True))
    harmed_export(export_dir, tmp_path / "copy", harm, usecase, 0.3, seed=4)
    copied, read = load_export(tmp_path / "copy")
    assert copied.usecase_digest == usecase.digest()
    assert copied.detector is not None
    assert (read_network(copied.detector, read) == network) is (harm == "none")
    assert (export_dir / detector.file).read_bytes() == network
