"""What this machine has and lacks. Nothing here changes anything."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")
SHARED_MEMORY_WANTED_MIB = 512


@dataclass(frozen=True)
class Fact:
    """One thing looked at: what was found, and the command that mends it where it is not as it should be."""

    name: str
    ok: bool
    found: str
    mend: str = ""


@dataclass(frozen=True)
class Tool:
    """A program that set-up needs, any of `programs`, and the Debian or Ubuntu package that brings it."""

    name: str
    programs: tuple[str, ...]
    package: str

    def look(self, which: Callable[[str], str | None] = shutil.which) -> Fact:
        found = next((path for path in map(which, self.programs) if path), None)
        if found:
            return Fact(self.name, True, found)
        return Fact(self.name, False, "not on PATH", install(self.package))


TOOLS = (
    Tool("git", ("git",), "git"),
    Tool("make", ("make",), "make"),
    Tool("C compiler", ("gcc", "cc", "clang"), "gcc"),
    Tool("C++ compiler", ("g++", "c++", "clang++"), "g++"),
)
BROWSER = Tool(
    "Chromium, for the browser tests", ("chromium", "chromium-browser", "google-chrome"), "chromium"
)


def install(*packages: str) -> str:
    """The command that brings Debian or Ubuntu packages to this machine, for its present user."""
    sudo = "" if os.geteuid() == 0 else "sudo "
    return f"{sudo}apt-get install -y {' '.join(packages)}"


def python_facts() -> list[Fact]:
    """Whether this interpreter can make virtual environments and compile extensions."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    header = Path(sysconfig.get_path("include")) / "Python.h"
    packaged = f"python{version}"
    return [
        Fact("Python", sys.version_info >= (3, 11), f"{version} ({sys.executable})", install("python3.11")),
        Fact("venv", find_spec("ensurepip") is not None, "ensurepip", install(f"{packaged}-venv")),
        Fact("Python headers", header.is_file(), str(header), install(f"{packaged}-dev")),
    ]


def tool_facts() -> list[Fact]:
    return [tool.look() for tool in TOOLS]


def writable_fact(folder: Path) -> Fact:
    """Whether files can be made in `folder`; tried, because permission bits do not tell on every mount."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return Fact("checkout is writable", True, str(folder))
    except OSError as error:
        return Fact("checkout is writable", False, str(error), f"clone into a folder of yours, not {folder}")


def shared_memory_fact(folder: Path = SHARED_MEMORY) -> Fact:
    """Camera frames travel through shared memory; a container's default of 64 MiB holds too few."""
    name = "shared memory"
    if not folder.is_dir():
        return Fact(name, False, f"no {folder}", f"mount a tmpfs at {folder}")
    free_mib = shutil.disk_usage(folder).free // 2**20
    wanted = free_mib >= SHARED_MEMORY_WANTED_MIB
    return Fact(name, wanted, f"{free_mib} MiB free", "docker run --shm-size=1g ...")


def needed(root: Path) -> list[Fact]:
    """Everything that set-up cannot do without."""
    return [*python_facts(), *tool_facts(), writable_fact(root)]


def missing(facts: Iterable[Fact]) -> list[Fact]:
    return [fact for fact in facts if not fact.ok]
