"""The flow as a user runs it: the installed command, a small use case, and its bundle, made once for all tests here."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

HERE = Path(__file__).parent
USECASES = HERE.parents[1] / "training" / "usecases"
TRUNNION = Path(sys.executable).with_name("trunnion")
# Plenty for two cores; what hangs fails here rather than at the end of the suite.
PATIENCE_S = float(os.environ.get("TRUNNION_TEST_PATIENCE_S", "280"))


@dataclass(frozen=True)
class Answer:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> dict[str, str]:
        """The parts of an error: where, got, wanted, next."""
        where, *rest = self.err.strip().splitlines()
        parts = (line.split(":", 1) for line in rest)
        return {"where": where} | {name.strip(): text.strip() for name, text in parts}


class Command:
    """A `trunnion` (or another program) that runs; its output can be waited for."""

    def __init__(
        self,
        *words: object,
        cwd: Path,
        program: Path | str = TRUNNION,
        log_dir: Path | None = None,
        **variables: str,
    ) -> None:
        self.log = (log_dir or cwd) / f"output-{time.monotonic_ns()}.txt"
        environment = {**os.environ, "COLUMNS": "200", "PYTHONUNBUFFERED": "1", **variables}
        with self.log.open("wb") as out, self.log.with_suffix(".err").open("wb") as err:
            self.process = subprocess.Popen(
                [program, *map(str, words)],
                cwd=cwd,
                env=environment,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    def wait_for(self, text: str, patience_s: float = PATIENCE_S) -> None:
        """Wait until `text` was printed."""
        deadline_s = time.monotonic() + patience_s
        while text not in self.log.read_text():
            assert self.process.poll() is None, f"ended without saying '{text}': {self.end()}"
            assert time.monotonic() < deadline_s, f"'{text}' was not said: {self.log.read_text()}"
            time.sleep(0.02)

    def interrupt(self) -> Answer:
        """Press Ctrl-C, as a terminal does it: for the whole group."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.end()

    def end(self) -> Answer:
        """Wait for the end."""
        try:
            code = self.process.wait(PATIENCE_S)
        finally:
            self.process.kill()
        return Answer(code, self.log.read_text(), self.log.with_suffix(".err").read_text())


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Command]]:
    """Starts commands in an empty folder, or another `cwd`; none of them outlives the test."""
    started: list[Command] = []

    def start(*words: object, cwd: Path = tmp_path, program: Path | str = TRUNNION) -> Command:
        started.append(Command(*words, cwd=cwd, program=program, log_dir=tmp_path))
        return started[-1]

    yield start
    for command in started:
        if command.process.poll() is None:
            command.process.kill()
            command.process.wait()


@pytest.fixture
def trunnion(start: Callable[..., Command]) -> Callable[..., Answer]:
    """Runs a command to its end."""
    return lambda *words: start(*words).end()


def small_usecase() -> dict[str, Any]:
    """The shipped sorting cell, with few images, few episodes and no gates."""
    document = yaml.safe_load((USECASES / "sorting_cell.yaml").read_text())
    document["name"] = "small_cell"
    document["data"]["sources"][0]["images"] = 36
    detector, policy = document["models"]["detector"], document["models"]["policy"]
    detector.update(base=str((USECASES / detector["base"]).resolve()), epochs=1)
    policy.update(demonstrations=40, epochs=30)
    document["export"] = {"parity": {"episodes": 4}}
    document["prove"] = {"suite": str(HERE / "small_suite.yaml"), "policy_episodes": 4}
    return document


@pytest.fixture
def write_usecase(tmp_path: Path) -> Callable[..., Path]:
    """Writes the small use case, changed by a function, and gives its path."""

    def write(change: Callable[[dict[str, Any]], object] = lambda document: None) -> Path:
        document = small_usecase()
        change(document)
        path = tmp_path / "small_cell.yaml"
        path.write_text(yaml.safe_dump(document, sort_keys=False))
        return path

    return write


@dataclass(frozen=True)
class FinishedRun:
    """A run that went through all stages, and what the command said."""

    usecase: Path
    runs: Path
    answer: Answer

    @property
    def folder(self) -> Path:
        return self.runs / "small_cell"

    @property
    def bundle(self) -> Path:
        return self.folder / "pack" / "small_cell-0.1.0.trunnion"


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """The flow, undisturbed, through the command of the README."""
    folder = tmp_path_factory.mktemp("flow")
    usecase = folder / "small_cell.yaml"
    usecase.write_text(yaml.safe_dump(small_usecase(), sort_keys=False))
    answer = Command("run", usecase, "--runs", folder / "runs", cwd=folder, TRUNNION_TRACKING="on").end()
    assert answer.code == 0, answer
    # What a process beside the flow delivers to MLflow is there before anybody looks, or copies the folder.
    synced = Command("runs", "sync", "--runs", folder / "runs", cwd=folder, TRUNNION_TRACKING="on").end()
    assert synced.code == 0, synced
    return FinishedRun(usecase, folder / "runs", answer)


@pytest.fixture
def copied(finished: FinishedRun, tmp_path: Path) -> FinishedRun:
    """A copy of the finished run that a test may harm."""
    shutil.copytree(finished.runs, tmp_path / "runs")
    return FinishedRun(finished.usecase, tmp_path / "runs", finished.answer)
