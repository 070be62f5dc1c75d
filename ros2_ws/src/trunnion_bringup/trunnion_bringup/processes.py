"""The cell as child processes: started from the table of nodes, watched, and stopped without leaving one behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from types import TracebackType

from trunnion_bringup.table import NodeEntry, ament_prefixes, executable_path, parameters_path, ros_arguments
from trunnion_contract.errors import Broken
from trunnion_contract.progress import Progress
from trunnion_inference.shared_memory import free_segments_of_the_dead

CHILD = Path(__file__).with_name("child.py")
PROBE = NodeEntry(name="heartbeats", package="trunnion_bringup", executable="heartbeats")
ERROR_LEVEL = 2
LAST_LINES = 8
_PROBE_PATIENCE_S = 1.0
_POLL_S = 0.05
# Each signal and how long the cell is given to end before the next; together under 5 s.
_STOP_STEPS = ((signal.SIGINT, 3.0), (signal.SIGTERM, 1.0), (signal.SIGKILL, 0.8))


@dataclass(frozen=True)
class Death:
    """A node whose process ended though nobody asked it to; a negative exit code is the signal that killed it."""

    name: str
    exit_code: int
    last_lines: tuple[str, ...]

    def __str__(self) -> str:
        how = (
            f"was killed by signal {-self.exit_code}"
            if self.exit_code < 0
            else f"ended with code {self.exit_code}"
        )
        return f"{self.name} {how}"


class Cell:
    """Runs the entries, each in a process group of its own with its log in `log_dir`; use it with `with`.

    `environment` is the whole environment of the children (ROS sourced, workspace included). The children die with
    the thread that called `start`, whatever ends it.
    """

    def __init__(self, entries: Sequence[NodeEntry], environment: Mapping[str, str], log_dir: Path) -> None:
        self._entries = tuple(entries)
        self._log_dir = log_dir
        self._environment = {**environment, "PYTHONUNBUFFERED": "1", "ROS_LOG_DIR": str(log_dir)}
        self._prefixes = ament_prefixes(environment)
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._deaths: list[Death] = []

    def __enter__(self) -> Cell:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def process_ids(self) -> dict[str, int]:
        """Node name to process id, for those that run."""
        return {name: process.pid for name, process in self._running.items()}

    def log_file(self, name: str) -> Path:
        """Where a node's output goes."""
        return self._log_dir / f"{name}.log"

    def start(self) -> None:
        """Start every entry that does not run.

        Raises:
            Broken: the workspace is not built; nothing was started.
        """
        try:
            commands = {entry.name: self._command(entry) for entry in self._entries}
        except FileNotFoundError as error:
            raise Broken(
                where="the ROS workspace",
                got=str(error),
                wanted="a built workspace",
                next_step="run make setup",
            ) from None
        self._log_dir.mkdir(parents=True, exist_ok=True)
        for name in commands.keys() - self._running.keys():
            with self.log_file(name).open("wb") as log:
                self._running[name] = self._spawn(commands[name], log.fileno())

    def poll(self) -> list[Death]:
        """Every death since the start, in the order in which they were seen."""
        for name, process in list(self._running.items()):
            code = process.poll()
            if code is not None:
                _signal_group(process, signal.SIGKILL)
                del self._running[name]
                self._deaths.append(Death(name, code, self._last_lines(name)))
        return list(self._deaths)

    def stop(self) -> None:
        """End every process within 5 s: SIGINT, then SIGTERM, then SIGKILL to each group."""
        for number, patience_s in _STOP_STEPS:
            self._signal_all(number)
            if self._wait_all(patience_s):
                break
        # What a node may have started of its own stays in the node's group.
        self._signal_all(signal.SIGKILL)
        self._running.clear()
        free_segments_of_the_dead()

    def wait_ready(self, timeout_s: float, progress: Progress) -> None:
        """Wait until each node's heartbeat says that it works (lifecycle nodes: that it is active).

        Raises:
            Broken: a node died, reported that it cannot start, or stayed silent for `timeout_s`.
        """
        waiting = {entry.name: entry for entry in self._entries}
        progress.start("starting the cell", len(waiting))
        with closing(self._heartbeats(time.monotonic() + timeout_s)) as heartbeats:
            for heartbeat in heartbeats:
                self._raise_on_death()
                if heartbeat and self._is_ready(waiting.get(str(heartbeat["name"])), heartbeat):
                    progress.advance(1, waiting.pop(str(heartbeat["name"])).name)
                if not waiting:
                    progress.done()
                    return
        raise Broken(
            where=", ".join(waiting),
            got=f"no sign of readiness within {timeout_s:.0f} s",
            wanted="a heartbeat from every node",
            next_step=f"look at the logs in {self._log_dir}",
        )

    def _command(self, entry: NodeEntry) -> list[str]:
        program = str(executable_path(entry, self._prefixes))
        ros = [
            "--ros-args",
            *ros_arguments(entry, parameters_path(self._prefixes)),
            "--disable-external-lib-logs",
        ]
        return [program, *entry.arguments, *ros]

    def _spawn(self, command: Sequence[str], output: int) -> subprocess.Popen[bytes]:
        wrapper = [sys.executable, "-I", "-S", str(CHILD), str(os.getpid())]
        return subprocess.Popen(
            [*wrapper, *command],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output != subprocess.PIPE else None,
            start_new_session=True,
        )

    def _heartbeats(self, deadline_s: float) -> Generator[dict[str, str | int] | None, None, None]:
        """Heartbeats as they come, None every now and then, until the deadline."""
        lines: SimpleQueue[bytes] = SimpleQueue()
        probe = self._spawn(self._command(PROBE), subprocess.PIPE)
        reader = Thread(target=_read_lines, args=(probe, lines))
        reader.start()
        try:
            while time.monotonic() < deadline_s:
                try:
                    yield json.loads(lines.get(timeout=2 * _POLL_S))
                except (Empty, ValueError):
                    yield None
        finally:
            _end(probe)
            reader.join()
            probe.communicate()

    def _raise_on_death(self) -> None:
        for death in self.poll():
            raise Broken(
                where=death.name,
                got=f"a node that died: {death}; its last words: {' / '.join(death.last_lines) or 'none'}",
                wanted="a node that runs",
                next_step=f"look at {self.log_file(death.name)}",
            )

    def _is_ready(self, entry: NodeEntry | None, heartbeat: Mapping[str, str | int]) -> bool:
        """Whether a node that is waited for works; raises Broken where it says that it never will."""
        if entry is None:
            return False
        if not entry.lifecycle or heartbeat["state"] == "active":
            return True
        if heartbeat["level"] == ERROR_LEVEL:
            raise Broken(
                where=entry.name,
                got=str(heartbeat["message"]),
                wanted="a node that becomes active",
                next_step=f"look at {self.log_file(entry.name)}",
            )
        return False

    def _signal_all(self, number: int) -> None:
        for process in self._running.values():
            _signal_group(process, number)

    def _wait_all(self, patience_s: float) -> bool:
        deadline_s = time.monotonic() + patience_s
        while any(process.poll() is None for process in self._running.values()):
            if time.monotonic() > deadline_s:
                return False
            time.sleep(_POLL_S)
        return True

    def _last_lines(self, name: str) -> tuple[str, ...]:
        text = self.log_file(name).read_text(errors="replace")
        return tuple(line for line in text.splitlines() if line.strip())[-LAST_LINES:]


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    # The group outlives its leader for as long as it has members; gone means that there is nobody to tell.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _end(probe: subprocess.Popen[bytes]) -> None:
    # One that is killed leaves its shared memory behind.
    probe.terminate()
    with suppress(subprocess.TimeoutExpired):
        probe.wait(_PROBE_PATIENCE_S)
    probe.kill()


def _read_lines(probe: subprocess.Popen[bytes], lines: SimpleQueue[bytes]) -> None:
    assert probe.stdout is not None
    for line in probe.stdout:
        lines.put(line)
