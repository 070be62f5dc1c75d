"""`python -m trunnion_setup`: every step of set-up in order, each skipped where it stands."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from trunnion_setup import ros as ros_choice
from trunnion_setup.commands import CommandLog
from trunnion_setup.failure import SetupFailed
from trunnion_setup.machine import Fact, missing, needed
from trunnion_setup.python_environment import EDITABLE, PythonEnvironment
from trunnion_setup.ros_wheels import forget_second_names, relocate, ros_wheels, without_ros_wheels
from trunnion_setup.stamps import Stamp, digest, replace_text
from trunnion_setup.workspace import Workspace

BAD_MACHINE = 2
BROKE = 3


class Preparation:
    """Set-up of the checkout at `root`; `say` gets one line per step that had work to do."""

    def __init__(self, root: Path, say: Callable[[str], None]) -> None:
        self.root = root
        self.say = say
        self.lock = root / "requirements" / "lock.txt"
        self.log = CommandLog(root / ".venv" / "setup.log")
        self.python = PythonEnvironment(root, self.log)
        self.ros = ros_choice.choose(root, os.environ)
        self.workspace = Workspace(root, self.ros, self.python.folder, self.python.site_packages, self.log)

    def run(self) -> None:
        below = self._virtual_environment()
        below = self._packages(below)
        self._our_packages(below)
        self._workspace()

    def _virtual_environment(self) -> str:
        wanted = self.python.identity()
        stamp = self.python.stamp("environment")
        if stamp.stands(wanted) and self.python.works():
            return wanted
        with self._step("virtual environment in .venv"):
            self.python.create()
            self.python.bring_uv()
            stamp.finish(wanted)
        return wanted

    def _packages(self, below: str) -> str:
        wanted = digest(self.root, [self.lock], below, str(self.ros))

        def work() -> None:
            self.python.stamp("our-packages").begin()  # the sync removes what the lock does not name
            self.python.install_locked(self._lock_for_this_ros())
            if self.ros.from_wheels:
                relocate(self.python.folder / "share", self.python.folder, self.python.site_packages)
                forget_second_names(self.python.site_packages)

        self._unless(
            self.python.stamp("packages"), wanted, "locked packages (several GB the first time)", work
        )
        return wanted

    def _lock_for_this_ros(self) -> Path:
        """Beside a distribution the wheels stay out: two sets of ROS libraries in one process do not go together."""
        if self.ros.from_wheels:
            return self.lock
        without_wheels = self.python.stamps / "lock-without-ros.txt"
        replace_text(without_wheels, without_ros_wheels(self.lock.read_text()))
        return without_wheels

    def _our_packages(self, below: str) -> None:
        files = [self.root / name / "pyproject.toml" for name in EDITABLE]
        wanted = digest(self.root, files, below)
        self._unless(self.python.stamp("our-packages"), wanted, "our packages", self.python.install_editable)

    def _workspace(self) -> None:
        """Bound to this Python and this ROS; other packages of the lock may change without a build."""
        wheels = ros_wheels(self.lock.read_text()) if self.ros.from_wheels else ""
        below = digest(self.root, [], self.python.identity(), wheels)
        wanted = self.workspace.digest(below)
        title = f"ROS workspace on {self.ros}"
        self._unless(self.workspace.stamp, wanted, title, lambda: self.workspace.build(below))

    def _unless(self, stamp: Stamp, wanted: str, title: str, work: Callable[[], None]) -> None:
        if stamp.stands(wanted):
            return
        with self._step(title):
            stamp.begin()
            work()
            stamp.finish(wanted)

    @contextmanager
    def _step(self, title: str) -> Iterator[None]:
        start_s = time.monotonic()
        self.say(f"{title} ...")
        yield
        self.say(f"{title}: done in {time.monotonic() - start_s:.0f} s")


def main(root: Path) -> int:
    with _alone(root):
        try:
            lacking = missing(needed(root))
            if lacking:
                _name_missing(lacking)
                return BAD_MACHINE
            for ros in ros_choice.passed_over(root, os.environ):
                print(f"set-up: {ros} stands here but needs another Python; tools/README.md says what to do")
            Preparation(root, lambda line: print(f"set-up: {line}", flush=True)).run()
        except SetupFailed as failure:
            print("\n".join(failure.lines()), file=sys.stderr)
            return BROKE
        except (OSError, subprocess.CalledProcessError) as error:
            print(
                f"set-up stopped: {error}\n  next: mend this and run the same command again", file=sys.stderr
            )
            return BROKE
        except KeyboardInterrupt:
            print("\nset-up interrupted; the same command goes on from here", file=sys.stderr)
            return 128 + 2
    return 0


def _name_missing(lacking: list[Fact]) -> None:
    print("set-up stopped: this machine lacks", file=sys.stderr)
    for fact in lacking:
        print(f"  {fact.name}: {fact.found}\n      {fact.mend}", file=sys.stderr)


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Two set-ups of one checkout take turns: the second waits and then finds everything standing."""
    handle = os.open(root, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("set-up: waiting for another set-up of this checkout", flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
