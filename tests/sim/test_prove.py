"""The machinery of a proof on networks that cannot do the job: what counts here is that it says so, exactly."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.sim.proof_setting import EPISODES, INT8, POLICY_EPISODES, Counting, Setting

from trunnion_contract.bundle import MODEL, PROOF, REPORT, pack
from trunnion_contract.errors import BadInput, Broken, GatesFailed
from trunnion_contract.files import digest_bytes, write_json
from trunnion_contract.manifest import LEARNING_CURVES
from trunnion_contract.progress import Silent
from trunnion_contract.proof import Proof
from trunnion_sim.examiner import Job, same_trajectory
from trunnion_sim.prove import JOURNAL, prove
from trunnion_sim.replay import replay
from trunnion_sim.report.page import Picture


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory, networks: dict[str, bytes]) -> Setting:
    return Setting(tmp_path_factory.mktemp("proof") / "run", networks)


@pytest.fixture(scope="module")
def proof(setting: Setting) -> Proof:
    return setting.prove()


def test_a_proof_is_of_exactly_the_exported_files(proof: Proof, networks: dict[str, bytes]) -> None:
    assert proof.files == {name: digest_bytes(data) for name, data in networks.items()}


def test_every_scenario_and_the_policy_alone_are_counted(proof: Proof) -> None:
    assert [(s.name, s.success.trials) for s in proof.scenarios] == [
        ("nominal", EPISODES),
        ("late", EPISODES),
    ]
    assert proof.policy is not None
    assert proof.policy.success.trials == POLICY_EPISODES
    assert proof.detector is not None
    assert proof.detector.map50 == pytest.approx(1.0)


def test_networks_that_cannot_sort_fail_the_gate_and_cannot_be_packed(proof: Proof, setting: Setting) -> None:
    failed = [gate.name for gate in proof.gates if not gate.passed]
    assert failed == ["nominal, lower bound"]
    with pytest.raises(GatesFailed, match="nominal, lower bound"):
        pack(setting.export_dir, setting.folder / "prove", setting.folder / "b.trunnion", card="")


def test_a_failure_keeps_its_seed_its_reason_and_a_film(proof: Proof, setting: Setting) -> None:
    failures = proof.scenarios[0].failures
    assert [failure.seed for failure in failures] == [200_000, 200_001]
    assert all(failure.reason for failure in failures)
    assert failures[0].picture is not None
    assert setting.read("prove", failures[0].picture)[4:8] == b"ftyp"


def test_the_report_stands_beside_the_proof(proof: Proof, setting: Setting) -> None:
    page = setting.read("prove", REPORT).decode()
    assert "Not proven" in page
    assert proof.policy is not None
    failures = [failure for row in (*proof.scenarios, proof.policy) for failure in row.failures]
    assert page.count("data:video/mp4") == len([failure for failure in failures if failure.picture])
    assert proof.policy.failures[0].picture is not None
    assert json.loads(setting.read("prove", PROOF)) == json.loads(proof.model_dump_json(by_alias=True))


def test_curves_beside_the_models_are_in_the_report_and_in_nothing_else(
    tmp_path: Path, networks: dict[str, bytes]
) -> None:
    detector_only = {"detector.onnx": networks["detector.onnx"]}
    setting = Setting(tmp_path / "run", detector_only, simulated=False)
    without = setting.prove("without", workers=1)
    (setting.export_dir / LEARNING_CURVES["detector"]).write_bytes(b"\x89PNG drawn")
    assert setting.prove(workers=1) == without
    drawn = Picture("learning curves of the detector", ".png", b"\x89PNG drawn")
    assert drawn.uri in setting.read("prove", REPORT).decode()
    assert b"data:image/png" not in setting.read("without", REPORT)
    bundle = pack(setting.export_dir, setting.folder / "prove", setting.folder / "b.trunnion", card="")
    assert not set(LEARNING_CURVES.values()) & set(bundle.files)


def test_one_worker_gives_the_same_bytes_as_two(proof: Proof, setting: Setting) -> None:
    setting.prove("alone", workers=1)
    assert setting.read("alone", PROOF) == setting.read("prove", PROOF)
    assert b"data:video/mp4" in setting.read("alone", REPORT)
    assert setting.read("alone", REPORT) == setting.read("prove", REPORT)


def test_a_proof_goes_on_where_its_journal_ends(proof: Proof, setting: Setting) -> None:
    half = setting.folder / "half"
    shutil.copytree(setting.folder / "prove", half)
    lines = (half / JOURNAL).read_bytes().splitlines(keepends=True)
    (half / JOURNAL).write_bytes(b"".join(lines[:4]) + lines[4][:20])
    progress = Counting()
    setting.prove("half", progress=progress)
    assert progress.found == 3
    assert progress.found + progress.done_now == sum(progress.totals)
    assert setting.read("half", PROOF) == setting.read("prove", PROOF)


def test_every_precision_is_proven_by_its_own_network(
    tmp_path: Path, networks: dict[str, bytes], constant_detector: Callable[..., bytes]
) -> None:
    elsewhere = constant_detector([[2, 26, 10, 34, 0.9, 0]])
    both = Setting(tmp_path / "run", {**networks, INT8: elsewhere})
    proof = both.prove()
    (int8,) = proof.variants
    assert proof.files[INT8] == int8.sha256 == digest_bytes(elsewhere)
    assert proof.detector is not None
    assert (proof.detector.map50, int8.detector.map50) == (pytest.approx(1.0), pytest.approx(0.0))
    assert int8.nominal is not None
    assert (int8.nominal.name, int8.nominal.success.trials) == ("nominal, int8", EPISODES)
    assert [failure.picture for failure in int8.nominal.failures] == [
        f"failures/nominal-{seed}-int8.mp4" for seed in (200_000, 200_001)
    ]
    assert [gate.name for gate in proof.gates if not gate.passed] == [
        "nominal, lower bound",
        "nominal, int8, lower bound",
    ]
    assert [scenario.name for scenario in proof.scenarios] == ["nominal", "late"]
    reason = int8.nominal.failures[0].reason
    assert replay(both.folder, 200_000, len, "nominal", precision="int8").result.reason == reason


def test_a_killed_proof_leaves_no_worker_and_goes_on(proof: Proof, setting: Setting) -> None:
    out_dir = setting.folder / "killed"
    out_dir.mkdir()
    program = (
        "import sys; from pathlib import Path; from trunnion_sim.prove import prove\n"
        "from trunnion_contract.usecase import load_usecase; from trunnion_contract.progress import Silent\n"
        "if __name__ == '__main__':\n"
        "    folder = Path(sys.argv[1])\n"
        "    prove(load_usecase(folder / 'cell.yaml'), folder / 'data', folder / 'export', folder / 'killed', Silent())"
    )
    (setting.folder / "child.py").write_text(program)
    child = subprocess.Popen([sys.executable, setting.folder / "child.py", setting.folder], process_group=0)
    _wait_for(lambda: (out_dir / JOURNAL).exists() and (out_dir / JOURNAL).read_bytes().count(b"\n") >= 3)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert not (out_dir / PROOF).exists()
    _wait_for(lambda: not _group_lives(child.pid))
    setting.prove("killed")
    assert setting.read("killed", PROOF) == setting.read("prove", PROOF)


def _wait_for(condition: Callable[[], bool], limit_s: float = 60) -> None:
    end_s = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.05)


def _group_lives(group: int) -> bool:
    listed = subprocess.run(["ps", "-o", "stat=", "-g", str(group)], capture_output=True, text=True).stdout
    return any(not state.startswith("Z") for state in listed.split())


def test_a_replay_that_differs_breaks_the_proof() -> None:
    same_trajectory("a", "a", Job("film", "nominal", 1))
    with pytest.raises(Broken, match="scenario nominal, seed 1"):
        same_trajectory("a", "b", Job("film", "nominal", 1))


def test_an_export_that_was_changed_is_refused(setting: Setting) -> None:
    changed = setting.folder / "changed"
    shutil.copytree(setting.export_dir, changed)
    (changed / "policy.onnx").write_bytes(b"another")
    with pytest.raises(BadInput, match=r"another policy\.onnx than was exported"):
        prove(setting.usecase, setting.dataset_dir, changed, setting.folder, Silent())


def test_an_export_of_another_use_case_is_refused(setting: Setting) -> None:
    other = setting.usecase.model_copy(update={"problem": "Something else."})
    with pytest.raises(BadInput, match="an export of another use case"):
        prove(other, setting.dataset_dir, setting.export_dir, setting.folder, Silent())


def test_a_policy_of_another_rate_than_the_cell_is_refused(setting: Setting) -> None:
    other = setting.folder / "faster"
    shutil.copytree(setting.export_dir, other)
    model = json.loads((other / MODEL).read_text())
    model["policy"]["spec"]["rate_hz"] = 30
    write_json(other / MODEL, model)
    with pytest.raises(BadInput, match=r"30 Hz in the manifest.*20 Hz as the simulated cell runs"):
        prove(setting.usecase, setting.dataset_dir, other, setting.folder, Silent())


def test_a_use_case_without_a_suite_is_proven_on_its_images_and_says_so(
    tmp_path: Path, networks: dict[str, bytes]
) -> None:
    detector_only = {"detector.onnx": networks["detector.onnx"]}
    proof = Setting(tmp_path / "run", detector_only, simulated=False).prove(workers=1)
    assert proof.passed
    assert not proof.simulated
    assert {gate.name: gate.got for gate in proof.gates}["simulation"] == "not asked for by the use case"
