"""Recording what an expert does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trunnion_contract.errors import BadInput, ExitCode
from trunnion_contract.progress import Silent
from trunnion_training.policy.demonstrations import demonstrate
from trunnion_training.policy.environment import Task
from trunnion_training.policy.record import main, record
from trunnion_training.policy.recording import open_recording, recorded_demonstrations

ENV = "tests/Point-v0"


class Stopped(Exception):
    """Somebody stopped the command."""


class Stopping(Silent):
    """Progress that stops the work when all was played."""

    def done(self, note: str = "") -> None:
        raise Stopped


class Counting(Silent):
    """Progress that remembers its steps."""

    def __init__(self) -> None:
        self.steps: list[int] = []

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.steps.append(steps)


def test_a_recording_holds_what_the_expert_did(point_cell: str, tmp_path: Path) -> None:
    out = tmp_path / "a.parquet"
    assert main([ENV, str(out), "--package", point_cell, "--episodes", "3", "--seed", "5"]) == ExitCode.OK
    task = Task(ENV, point_cell)
    played = demonstrate(task, 3, 5, tmp_path / "again", Silent())
    for kept, wanted in zip(recorded_demonstrations(out, task).episodes, played.episodes, strict=True):
        np.testing.assert_array_equal(kept.observations, wanted.observations)
        np.testing.assert_array_equal(kept.actions, wanted.actions)
    header = open_recording(out).header
    assert (header.env, header.env_package, header.rate_hz, header.seed) == (ENV, point_cell, 20.0, 5)
    assert {episode.success for episode in open_recording(out).episodes()} == {True}


def test_what_was_stopped_goes_on_unless_something_else_is_asked_for(point_cell: str, tmp_path: Path) -> None:
    task, out = Task(ENV, point_cell), tmp_path / "a.parquet"
    with pytest.raises(Stopped):
        record(task, 3, 0, out, Stopping())
    other, same = Counting(), Counting()
    record(task, 3, 1, tmp_path / "b.parquet", other)
    record(task, 3, 0, out, same)
    assert (other.steps[0], same.steps[0], sum(same.steps)) == (0, 3, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.parquet", "b.parquet"]
    with pytest.raises(BadInput, match="there already"):
        record(task, 3, 0, out, Silent())


def test_an_environment_that_is_not_registered_is_refused(
    point_cell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = ["tests/Nowhere-v0", str(tmp_path / "a.parquet"), "--package", point_cell, "--episodes", "3"]
    assert main(wrong) == ExitCode.BAD_INPUT
    assert "Nowhere" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
