"""The virtual environment `.venv`: made, filled from the lock, and mended where an earlier run was interrupted."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from trunnion_setup.commands import CommandLog
from trunnion_setup.pip_settings import uv_environment
from trunnion_setup.stamps import Stamp, digest

UV = "uv>=0.9,<1"
EDITABLE = ("edge", "sim", "training", "tools", "tools/client")


class PythonEnvironment:
    """`<root>/.venv`; uv lives apart in `.venv/.uv`, because the lock's sync removes whatever it does not name."""

    def __init__(self, root: Path, log: CommandLog) -> None:
        self.root = root
        self.folder = root / ".venv"
        self.python = self.folder / "bin" / "python"
        self.uv = self.folder / ".uv" / "bin" / "uv"
        self.stamps = self.folder / ".setup"
        self._log = log

    @property
    def site_packages(self) -> Path:
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return self.folder / "lib" / version / "site-packages"

    def identity(self) -> str:
        """What an environment is bound to: scripts and CMake files hold its path, extensions its Python."""
        return digest(self.root, [], str(self.root), sys.version, sys.base_prefix)

    def create(self) -> None:
        """Makes the environment anew; a folder left by an interrupted run or another Python goes first."""
        if self.folder.exists():
            shutil.rmtree(self.folder)
        command = [sys.executable, "-m", "venv", "--without-pip", self.folder]
        self._log.run("virtual environment", command, os.environ, self.root)

    def works(self) -> bool:
        command = [self.python, "-c", "import sys; print(sys.prefix)"]
        try:
            answer = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError:
            return False
        return answer.returncode == 0 and Path(answer.stdout.strip()) == self.folder

    def bring_uv(self) -> None:
        """uv comes through pip, so that whatever index this machine's pip is told to use is used."""
        own = self.uv.parent.parent
        if own.exists():
            shutil.rmtree(own)
        self._log.run("uv", [sys.executable, "-m", "venv", own], os.environ, self.root)
        self._log.run(
            "uv", [own / "bin" / "python", "-m", "pip", "install", "--quiet", UV], os.environ, self.root
        )

    def install_locked(self, lock: Path) -> None:
        """Installs what the lock names and removes the rest.

        An interrupted sync may leave packages half-written that look installed: those are installed again.
        """
        underway = self.stamps / "packages-underway"
        again = ["--reinstall"] if underway.exists() else []
        underway.parent.mkdir(parents=True, exist_ok=True)
        underway.touch()
        self._uv("locked packages", "sync", *again, lock)
        underway.unlink()

    def install_editable(self) -> None:
        """Our own packages: edits count at once, and their dependencies are the lock's business."""
        folders = [word for name in EDITABLE for word in ("--editable", self.root / name)]
        self._uv("our packages", "install", "--no-deps", "--no-build-isolation", *folders)

    def stamp(self, step: str) -> Stamp:
        return Stamp(self.stamps / step)

    def _uv(self, where: str, verb: str, *words: str | Path) -> None:
        command = [self.uv, "pip", verb, "--quiet", "--python", self.python, *words]
        self._log.run(where, command, self._uv_environment(), self.root)

    def _uv_environment(self) -> dict[str, str]:
        pip = [self.uv.parent / "python", "-m", "pip", "config", "list"]
        listed = subprocess.run(pip, capture_output=True, text=True, check=False).stdout
        return {**os.environ, **uv_environment(listed, os.environ)}
