"""ROS 2's wheels carry traces of the machine that built them: make them fit this one."""

from __future__ import annotations

import re
import shutil
import sysconfig
from pathlib import Path

from trunnion_setup.stamps import replace_text

BUILDER = r"/opt/python/cp3\d*-cp3\d*"
SUFFIXES = (".cmake", "")  # CMake files, and the entries of the ament index


def relocate(share: Path, environment: Path, site_packages: Path, include: Path | None = None) -> int:
    """Rewrites the builder's paths under `share`; returns how many files changed. A second call changes none.

    Files are written anew and renamed, because uv hard-links installed files to its cache.
    """
    headers = include or Path(sysconfig.get_path("include"))
    rules = (
        (re.compile(BUILDER + r"/include/python3\.\d+"), str(headers)),
        (re.compile(BUILDER + r"/lib/python3\.\d+/site-packages"), str(site_packages)),
        (re.compile(BUILDER), str(environment)),
    )
    return sum(_rewrite(file, rules) for file in _text_files(share))


def forget_second_names(site_packages: Path) -> None:
    """Each ROS wheel `ros-x` also installs an egg-info that says `x`.

    A later sync would take that for a package which the lock does not name, and remove the code that both own.
    """
    for names in site_packages.glob("*.egg-info"):
        if (site_packages / names.name.split("-")[0]).is_dir():
            shutil.rmtree(names)


def ros_wheels(lock: str) -> str:
    """The lines of the lock that bring ROS 2."""
    return "".join(line for line in lock.splitlines(keepends=True) if line.startswith("ros-"))


def without_ros_wheels(lock: str) -> str:
    return "".join(line for line in lock.splitlines(keepends=True) if not line.startswith("ros-"))


def _text_files(share: Path) -> list[Path]:
    return [file for file in share.rglob("*") if file.suffix in SUFFIXES and file.is_file()]


def _rewrite(file: Path, rules: tuple[tuple[re.Pattern[str], str], ...]) -> bool:
    try:
        before = file.read_text()
    except UnicodeDecodeError:
        return False
    after = before
    for pattern, path in rules:
        after = pattern.sub(lambda _, path=path: path, after)
    if after == before:
        return False
    replace_text(file, after)
    return True
