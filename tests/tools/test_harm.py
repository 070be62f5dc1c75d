from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tests.sim.proof_setting import Setting
from tests.sim.small_networks import networks

from trunnion import harm as harming
from trunnion.harm import HARMS, NOISE, harmed_export, main, measure, noised
from trunnion_contract.bundle import MODEL
from trunnion_contract.detector_spec import DetectorSpec
from trunnion_contract.errors import ExitCode
from trunnion_contract.files import digest_bytes, write_json
from trunnion_contract.manifest import DetectorModel, ModelManifest
from trunnion_contract.progress import Silent
from trunnion_contract.tensor import TensorSpec
from trunnion_edge.exported import load_export, read_network
from trunnion_sim.journal import recorded
from trunnion_sim.prove import JOURNAL, prove


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


REPEATS = 2
NOMINAL = {"name": "nominal", "episodes": 1, "success_lower_min": 0.1}


class Measured:
    """A run whose policy sorts nothing, and the episodes of every proof that is made of it."""

    def __init__(self, folder: Path) -> None:
        self.run_dir = Setting(folder, networks(), scenarios=[NOMINAL]).folder
        self.proofs: list[set[str]] = []

    def measure(self) -> dict[str, Any]:
        return measure(self.run_dir, str(self.run_dir / "suite.yaml"), REPEATS, NOISE, Silent())

    def prove(self, *asked: Any, **options: Any) -> Any:
        proof, out_dir = prove(*asked, **options), asked[3]
        self.proofs.append(
            {key for key in recorded(out_dir / JOURNAL) if key.startswith(("episode", "policy"))}
        )
        return proof


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Measured, dict[str, Any]]]:
    run = Measured(tmp_path_factory.mktemp("harm") / "run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(harming, "prove", run.prove)
        yield run, run.measure()


def test_every_copy_is_proven_as_often_as_asked_and_names_the_gates_that_failed(measured) -> None:
    run, found = measured
    assert list(found) == [f"{harm} {number}" for number in range(REPEATS) for harm in HARMS]
    assert set(map(tuple, found.values())) == {("nominal, lower bound",)}
    assert len(run.proofs) == len(found)


def test_copies_of_one_repetition_play_the_same_episodes_and_those_of_two_none_in_common(measured) -> None:
    run, _ = measured
    first, second = run.proofs[: len(HARMS)], run.proofs[len(HARMS) :]
    assert all(episodes == first[0] for episodes in first)
    assert all(episodes == second[0] for episodes in second)
    assert len(first[0]) == len(second[0]) == 2
    assert first[0].isdisjoint(second[0])


def test_what_was_proven_is_not_proven_again(measured) -> None:
    run, found = measured
    before = len(run.proofs)
    assert run.measure() == found
    assert len(run.proofs) == before


def test_the_command_counts_right_verdicts_and_fails_where_an_unharmed_copy_was_refused(
    measured, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run, _ = measured
    asked = [str(run.run_dir), "--suite", str(run.run_dir / "suite.yaml"), "--repeats", str(REPEATS)]
    monkeypatch.setattr(sys, "argv", ["harm", *asked])
    assert main() == ExitCode.GATES_FAILED
    told = capsys.readouterr().out
    assert "unharmed copies that passed: 0 of 2" in told
    assert "harmed detectors refused:    2 of 2" in told
    assert "harmed policies refused:     2 of 2" in told


def test_a_run_that_is_not_there_is_bad_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["harm", str(tmp_path / "nothing")])
    assert main() == ExitCode.BAD_INPUT == 2
    told = capsys.readouterr().err
    assert str(tmp_path / "nothing") in told
    assert "wanted:" in told
