"""The ROS workspace: built by colcon from the repository root, and its environment written down."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from trunnion_setup.commands import CommandLog
from trunnion_setup.ros import Ros, build_environment, sourced
from trunnion_setup.stamps import Stamp, digest, replace_text

BUILD_FILES = {"package.xml", "setup.py", "setup.cfg", "CMakeLists.txt"}
INTERFACE_SUFFIXES = {".msg", ".srv", ".action"}
LEFTOVERS = {"__pycache__", ".pytest_cache", ".mypy_cache"}
# Variables that are lists of folders; of a built workspace everything else is a plain value.
LISTS = ("AMENT_PREFIX_PATH", "CMAKE_PREFIX_PATH", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH")
VALUES = ("ROS_DISTRO", "ROS_PYTHON_VERSION", "ROS_VERSION", "_ROS_WHEELS_BOOTSTRAP_COMPLETE")


class Workspace:
    """`<root>/ros2_ws`, built with the packages of `.venv` on the ROS given."""

    def __init__(self, root: Path, ros: Ros, venv: Path, site_packages: Path, log: CommandLog) -> None:
        self.root = root
        self.folder = root / "ros2_ws"
        self.install = self.folder / "install"
        self.record = self.install / "environment.json"
        self.stamp = Stamp(self.install / ".setup")
        self._ros = ros
        self._venv = venv
        self._site_packages = site_packages
        self._log = log

    def digest(self, below: str) -> str:
        """Of everything that a build depends on; `below` is the digest of the environment under it.

        Python packages do not count: they are linked as folders, so edits and new modules need no build. Other files
        count by name, because each is linked by itself.
        """
        files = list(self._files())
        read = [file for file in files if file.name in BUILD_FILES or file.suffix in INTERFACE_SUFFIXES]
        names = sorted(str(file.relative_to(self.root)) for file in files)
        return digest(self.root, [*read, self.root / "colcon.meta"], below, str(self._ros), *names)

    def build(self, below: str) -> None:
        bound = Stamp(self.folder / "build" / ".environment")
        if not bound.stands(below):
            self.clean()
            bound.finish(below)
        environment = self._environment(os.environ)
        packages = [self.folder / "src", *self._underlays(environment)]
        self._log.run("ROS workspace", self._colcon(packages), environment, self.root)
        self._write_record()

    def clean(self) -> None:
        for name in ("build", "install", "log"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def _colcon(self, packages: list[Path]) -> list[str | Path]:
        places: list[str | Path] = ["--build-base", self.folder / "build", "--install-base", self.install]
        start: list[str | Path] = [self._venv / "bin" / "colcon", "--log-base", self.folder / "log", "build"]
        return [*start, *places, "--merge-install", "--symlink-install", "--base-paths", *packages]

    def _underlays(self, environment: Mapping[str, str]) -> list[Path]:
        """The stand-in for vision_msgs, only where the distribution's own is missing."""
        prefixes = environment.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
        stands = any((Path(prefix) / "share" / "vision_msgs").is_dir() for prefix in prefixes)
        return [] if stands else [self.folder / "underlay" / "vision_msgs"]

    def _environment(self, base: Mapping[str, str]) -> dict[str, str]:
        return build_environment(self._ros, self._venv, self._site_packages, base)

    def _write_record(self) -> None:
        """Writes what sourcing the workspace adds to a bare environment, for trunnion.environment to read."""
        bare = {"PATH": os.defpath, "HOME": str(Path.home())}
        after = sourced(self.install / "local_setup.bash", self._environment(bare))
        given = set(bare["PATH"].split(os.pathsep))
        lists = {name: _parts(after.get(name, ""), given) for name in LISTS}
        values = {name: after[name] for name in VALUES if name in after}
        record = {"prepend": lists, "set": values}
        replace_text(self.record, json.dumps(record, indent=2) + "\n")

    def _files(self) -> Iterator[Path]:
        for top in (self.folder / "src", self.folder / "underlay"):
            for folder, folders, names in os.walk(top):
                folders[:] = [name for name in folders if not _is_linked_or_leftover(Path(folder, name))]
                yield from (Path(folder, name) for name in names if not name.endswith((".pyc", "~", ".swp")))


def _is_linked_or_leftover(folder: Path) -> bool:
    python_package = (folder / "__init__.py").is_file()
    return python_package or folder.name in LEFTOVERS or folder.name.endswith(".egg-info")


def _parts(value: str, without: set[str]) -> list[str]:
    return [part for part in dict.fromkeys(value.split(os.pathsep)) if part and part not in without]
