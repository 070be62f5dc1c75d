"""Processes of the cell: named when they die, gone when they shall be, whatever they do about it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from trunnion_bringup.processes import Cell
from trunnion_bringup.table import NodeEntry
from trunnion_contract.errors import Broken
from trunnion_contract.progress import Silent

STUBBORN = "trap '' INT TERM\nsleep 300 &\necho $!\nwait\nwait\n"


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str, str], NodeEntry]:
    """A row whose executable is a shell script in a workspace of its own."""
    config = tmp_path / "install/share/trunnion_bringup/config/cell.yaml"
    config.parent.mkdir(parents=True)
    config.touch()

    def make(name: str, text: str) -> NodeEntry:
        file = tmp_path / "install/lib/scripts" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!/bin/bash\n{text}\n")
        file.chmod(0o755)
        return NodeEntry(name=name, package="scripts", executable=name)

    return make


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "AMENT_PREFIX_PATH": str(tmp_path / "install")}


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Cell]]:
    cells: list[Cell] = []

    def start(*entries: NodeEntry) -> Cell:
        cells.append(Cell(entries, environment, tmp_path / "logs"))
        cells[-1].start()
        return cells[-1]

    yield start
    for cell in cells:
        cell.stop()


def eventually(condition: Callable[[], object], timeout_s: float = 10.0) -> bool:
    deadline_s = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < deadline_s:
        time.sleep(0.02)
    return bool(condition())


def is_running(pid: int) -> bool:
    """Whether the process exists and is not merely waiting to be reaped by whoever adopted it."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


def test_a_node_that_dies_is_named_with_its_code_and_last_words(
    script: Callable[..., NodeEntry], run: Callable[..., Cell]
) -> None:
    cell = run(script("steady", "sleep 300"), script("frail", "echo one; echo two >&2; exit 3"))
    assert eventually(cell.poll)
    (death,) = cell.poll()
    assert (death.name, death.exit_code, death.last_lines) == ("frail", 3, ("one", "two"))
    assert str(death) == "frail ended with code 3"
    assert list(cell.process_ids) == ["steady"]


def test_a_killed_node_is_named_with_the_signal(
    script: Callable[..., NodeEntry], run: Callable[..., Cell]
) -> None:
    cell = run(script("victim", "exec sleep 300"))
    os.kill(cell.process_ids["victim"], signal.SIGKILL)
    assert eventually(cell.poll)
    assert str(cell.poll()[0]) == "victim was killed by signal 9"


def test_a_node_that_ignores_signals_is_gone_within_five_seconds_with_all_it_started(
    script: Callable[..., NodeEntry], run: Callable[..., Cell]
) -> None:
    cell = run(script("stubborn", STUBBORN))
    log = cell.log_file("stubborn")
    assert eventually(lambda: log.read_text().strip())
    pids = [cell.process_ids["stubborn"], int(log.read_text())]
    began_s = time.monotonic()
    cell.stop()
    # Two seconds more, for a machine that does other things, too.
    assert time.monotonic() - began_s < 7
    assert eventually(lambda: not any(map(is_running, pids)), 1)


def test_what_a_dead_node_left_running_is_ended(
    script: Callable[..., NodeEntry], run: Callable[..., Cell]
) -> None:
    cell = run(script("parent", "sleep 300 & echo $!; exit 1"))
    assert eventually(cell.poll)
    left = int(cell.log_file("parent").read_text())
    assert eventually(lambda: not is_running(left), 2)


def test_nothing_outlives_a_parent_that_is_killed(
    script: Callable[..., NodeEntry], environment: dict[str, str], tmp_path: Path
) -> None:
    script("one", "exec sleep 300"), script("two", "exec sleep 300")
    program = f"""
import os, time
from pathlib import Path
from trunnion_bringup.processes import Cell
from trunnion_bringup.table import NodeEntry
entries = [NodeEntry(name=name, package="scripts", executable=name) for name in ("one", "two")]
cell = Cell(entries, os.environ, Path({str(tmp_path / "logs")!r}))
cell.start()
print(*cell.process_ids.values(), flush=True)
time.sleep(300)
"""
    with subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert len(pids) == 2
        assert eventually(lambda: all(map(is_running, pids)))
        parent.kill()
    assert eventually(lambda: not any(map(is_running, pids)), 3)


def test_a_workspace_that_is_not_built_starts_nothing(
    script: Callable[..., NodeEntry], environment: dict[str, str], tmp_path: Path
) -> None:
    there = script("there", "sleep 300")
    cell = Cell(
        [there, NodeEntry(name="absent", package="p", executable="e")], environment, tmp_path / "logs"
    )
    with pytest.raises(Broken, match="run make setup"):
        cell.start()
    assert cell.process_ids == {}


def test_a_node_that_dies_while_it_starts_is_named_at_once(
    start_cell: Callable[..., Cell], tmp_path: Path
) -> None:
    sorter = NodeEntry(
        name="sorter",
        package="trunnion_cell",
        executable="sorter_node",
        parameters={"bundle": str(tmp_path / "none.trunnion")},
    )
    cell = start_cell(sorter, ready=False)
    with pytest.raises(Broken, match=r"sorter ended with code 2; its last words: .*no such file") as refusal:
        cell.wait_ready(30, Silent())
    assert "Traceback" not in str(refusal.value)
