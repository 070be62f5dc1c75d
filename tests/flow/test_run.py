"""One command takes a use case to a bundle, does nothing twice, and refuses what is not good enough."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from trunnion.record import outputs_of
from trunnion_contract.bundle import open_bundle

RACCOON = Path(__file__).parents[2] / "training" / "usecases" / "raccoon.yaml"
PROVENANCE = {"origin": "a test", "licence": "MIT", "personal_data": "none"}
REUSED = [
    f"{stage}: as it was, nothing changed"
    for stage in ("data", "train the detector", "train the policy", "export", "prove", "pack")
]


def test_the_run_ends_with_gates_a_report_and_a_bundle_that_opens(finished):
    assert "Gates" in finished.answer.out
    assert "limit violations" in finished.answer.out
    assert str(finished.folder / "prove" / "report.html") in finished.answer.out
    assert str(finished.bundle) in finished.answer.out
    bundle = open_bundle(finished.bundle)
    assert bundle.proof.passed
    assert "# small_cell 0.1.0" in bundle.read("MODEL_CARD.md").decode()


def test_the_use_case_is_saved_as_it_was_resolved(finished):
    saved = json.loads((finished.folder / "usecase.json").read_text())
    assert saved["name"] == "small_cell"
    assert saved["export"]["opset"] == 17


def test_a_second_run_reuses_every_stage(finished, trunnion):
    answer = trunnion("run", finished.usecase, "--runs", finished.runs)
    assert answer.code == 0
    assert answer.out.splitlines()[: len(REUSED)] == REUSED


def test_labelled_pictures_alone_become_a_bundle_whose_gates_say_that_nothing_was_simulated(
    finished, write_usecase, trunnion, tmp_path
):
    def change(document):
        document["name"] = "labelled"
        document["data"]["sources"] = [
            {"kind": "yolo", "path": str(finished.folder / "data"), "provenance": PROVENANCE}
        ]
        del document["models"]["policy"], document["cell"], document["prove"]

    answer = trunnion("run", write_usecase(change))
    assert answer.code == 0, answer
    assert "train the policy" not in answer.out
    bundle = open_bundle(tmp_path / "runs" / "labelled" / "pack" / "labelled-0.1.0.trunnion")
    gates = {gate.name: gate for gate in bundle.proof.gates}
    assert gates["simulation"].got == "not asked for by the use case"
    assert gates["detector mAP50"].note == f"{bundle.proof.detector.images} test images"


def test_a_gate_that_fails_keeps_the_models_and_refuses_the_bundle(copied, write_usecase, trunnion):
    def change(document):
        document["prove"]["gates"] = {"detector_map50_min": 1.0}

    before = outputs_of(copied.folder / "pack")
    answer = trunnion("run", write_usecase(change), "--runs", copied.runs)
    assert answer.code == 1, answer
    assert answer.out.splitlines()[:3] == REUSED[:3]
    assert "FAILED" in answer.out
    assert "no bundle was packed" in answer.out
    assert outputs_of(copied.folder / "pack") == before


def test_a_harmed_stage_is_made_again_with_the_same_bytes(copied, trunnion):
    labels = next((copied.folder / "data" / "labels" / "train").iterdir())
    labels.write_text("0 0.5 0.5 0.1 0.1\n")
    answer = trunnion("run", copied.usecase, "--runs", copied.runs, "--until", "train")
    assert answer.code == 0
    assert f"data (not as it was made: labels/train/{labels.name})" in answer.out
    assert "train the detector: as it was" in answer.out


def test_a_full_disk_while_packing_leaves_nothing_half_written(finished, tmp_path):
    if not shutil.which("unshare") or subprocess.run(["unshare", "-rm", "true"], check=False).returncode:
        pytest.fail("this test mounts a small disk of its own and needs unshare -rm")
    disk = tmp_path / "disk"
    disk.mkdir()
    block = 4096
    kept = [
        path for path in finished.folder.rglob("*") if "pack" not in path.relative_to(finished.folder).parts
    ]
    room = (
        sum(block * (1 + path.stat().st_size // block) for path in kept) + finished.bundle.stat().st_size // 2
    )
    without = "--exclude small_cell/pack --exclude small_cell/pack.json"
    script = f"""
        mount -t tmpfs -o size={room} tmpfs {disk} &&
        tar -C {finished.runs} {without} -c small_cell | tar -C {disk} -x &&
        {sys.executable} -m trunnion pack {finished.usecase} --runs {disk}
        code=$?; find {disk}/small_cell -name '*.trunnion*'; exit $code
    """
    answer = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 3, answer
    assert "a full disk" in answer.stderr
    assert ".trunnion" not in answer.stdout


@pytest.mark.parametrize(
    ("change", "where", "got", "next_step"),
    [
        (
            lambda d: d["models"]["detector"].update(epoch=3),
            "models.detector",
            "'epoch'",
            "did you mean 'epochs'?",
        ),
        (
            lambda d: d["cell"]["limits"].update(speed_max_mmps=600),
            "cell.limits",
            "'speed_max_mmps'",
            "'speed_max_mps'",
        ),
        (
            lambda d: d["cell"]["limits"].update(speed_max_mps="0.6 m/s"),
            "cell.limits.speed_max_mps",
            "'0.6 m/s'",
            "",
        ),
        (lambda d: d["data"]["sources"][0].update(images=-1), "data.sources.0", "-1", ""),
        (
            lambda d: d["models"]["detector"].update(base="nowhere.pt"),
            "models.detector.base",
            "nowhere.pt",
            "train base",
        ),
        (
            lambda d: d["data"]["sources"].append(
                {"kind": "voc", "path": "nowhere", "provenance": PROVENANCE}
            ),
            "data.sources.1.path",
            "nowhere",
            "correct the path",
        ),
    ],
    ids=[
        "unknown key",
        "wrong unit in the name",
        "unit in the value",
        "negative",
        "missing base",
        "missing folder",
    ],
)
def test_a_bad_use_case_is_refused_before_anything_is_made(
    write_usecase, trunnion, tmp_path, change, where, got, next_step
):
    answer = trunnion("run", write_usecase(change))
    assert answer.code == 2, answer
    assert where in answer.said["where"]
    assert got in answer.said["got"]
    assert next_step in answer.said["next"]
    assert not list(tmp_path.glob("runs/*/*.json"))


def test_a_value_that_is_not_given_names_the_option(trunnion):
    answer = trunnion("run", RACCOON)
    assert answer.code == 2
    assert "--set raccoon=" in answer.said["next"]


def test_a_folder_that_is_not_there_is_named(trunnion):
    answer = trunnion("run", RACCOON, "--set", "raccoon=nowhere")
    assert answer.code == 2
    assert answer.said["got"].startswith("nowhere")


def test_a_path_on_the_command_line_starts_where_the_command_does(trunnion, tmp_path):
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    answer = trunnion("data", RACCOON, "--set", "raccoon=photographs")
    assert answer.code == 2
    assert str(photographs) in answer.err
