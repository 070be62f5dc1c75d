"""Ctrl-C and kill -9 at any stage cost a person nothing but the time since."""

from __future__ import annotations

import random
import time

import pytest

from trunnion.record import outputs_of, read_record

# Stage, what is printed when it begins, and what is printed when its work does.
STAGES = [
    ("data", "data (first time)", "rendering: 0 of"),
    ("train.detector", "train the detector (first time)", "training the detector: 0 of"),
    ("train.policy", "train the policy (first time)", "demonstrating: 0 of"),
    ("export", "export (first time)", "exporting the detector: 0 of"),
    ("prove", "prove (first time)", "proving: 0 of"),
]
MADE_ALIKE = ("data", "train.policy", "export", "pack")


@pytest.mark.parametrize(("stage", "begun", "works"), STAGES)
def test_ctrl_c_names_the_stage_and_leaves_nothing_under_its_name(copied, start, stage, begun, works):
    names = [name for name, _, _ in STAGES]
    for name in names[names.index(stage) :]:
        copied.folder.joinpath(f"{name}.json").unlink()
    before = outputs_of(copied.folder / stage)
    command = start("run", copied.usecase, "--runs", copied.runs)
    command.wait_for(begun)
    command.wait_for(works)
    answer = command.interrupt()
    assert answer.code == 130, answer
    assert answer.err.strip().endswith(f"stopped at {stage}; the same command goes on from here")
    assert "Traceback" not in answer.err
    assert outputs_of(copied.folder / stage) == before
    assert not copied.folder.joinpath(f"{stage}.json").exists()


@pytest.mark.parametrize("stage", ["train", "pack"])
def test_ctrl_c_in_a_stage_of_a_moment_leaves_it_whole_or_as_it_was(copied, start, stage):
    before, record = outputs_of(copied.folder / stage), copied.folder / f"{stage}.json"
    for _ in range(20):
        record.unlink()
        command = start("run", copied.usecase, "--runs", copied.runs, "--until", stage)
        while not copied.folder.joinpath(f".{stage}.part").exists() and command.process.poll() is None:
            time.sleep(0.0005)
        answer = command.interrupt()
        assert "Traceback" not in answer.err
        assert outputs_of(copied.folder / stage) == before
        if not record.exists():
            assert answer.code == 130, answer
            assert answer.err.strip().endswith(f"stopped at {stage}; the same command goes on from here")
            return
    pytest.fail(f"{stage} was never caught at work")


def test_a_second_run_meanwhile_is_refused_and_told_who_runs(copied, start, trunnion):
    copied.folder.joinpath("prove.json").unlink()
    command = start("run", copied.usecase, "--runs", copied.runs)
    command.wait_for("prove (first time)")
    answer = trunnion("run", copied.usecase, "--runs", copied.runs)
    assert answer.code == 2
    assert f"process {command.process.pid}" in answer.said["got"]
    assert command.interrupt().code == 130


def test_killed_at_random_moments_the_flow_ends_with_the_same_bytes(finished, start, tmp_path):
    rng, words = random.Random(7), ("run", finished.usecase, "--runs", tmp_path / "runs")
    # Each kill comes within some seconds of a stage's begin, so that every one of them is hit.
    for _, begun, _ in STAGES:
        command = start(*words)
        command.wait_for(begun.removesuffix(" (first time)"))
        time.sleep(rng.uniform(0, 4))
        command.process.kill()
        assert command.process.wait() == -9
    answer = start(*words).end()
    assert answer.code == 0, answer
    for stage in MADE_ALIKE:
        made = outputs_of(tmp_path / "runs" / "small_cell" / stage)
        assert made == outputs_of(finished.folder / stage), stage
        assert read_record(tmp_path / "runs" / "small_cell" / f"{stage}.json").outputs == made
    weights = "train.detector/detector.pt"
    assert (tmp_path / "runs/small_cell" / weights).read_bytes() == (finished.folder / weights).read_bytes()
    assert not list((tmp_path / "runs" / "small_cell").glob(".*.part*"))
