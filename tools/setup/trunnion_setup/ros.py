"""Which ROS 2 this checkout uses: a sourced or installed distribution, or the wheels of the lock."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

INSTALLED = Path("/opt/ros")
# The Python that each distribution's rclpy is compiled for, best first.
PYTHON_OF = {"jazzy": (3, 12), "humble": (3, 10)}
WHEELS_DISTRIBUTION = "jazzy"
# What another workspace may have left in the shell; ours must not see it.
ROS_VARIABLES = (
    "AMENT_PREFIX_PATH",
    "CMAKE_PREFIX_PATH",
    "COLCON_PREFIX_PATH",
    "LD_LIBRARY_PATH",
    "PYTHONPATH",
    "ROS_DISTRO",
    "ROS_PYTHON_VERSION",
    "ROS_VERSION",
    "_ROS_WHEELS_BOOTSTRAP_COMPLETE",
)


@dataclass(frozen=True)
class Ros:
    """`prefix` is where the distribution stands; None means the wheels in `.venv`."""

    distribution: str
    prefix: Path | None

    @property
    def from_wheels(self) -> bool:
        return self.prefix is None

    def __str__(self) -> str:
        return f"{self.distribution} from {self.prefix or 'the wheels'}"


def choose(root: Path, environment: Mapping[str, str], installed: Path = INSTALLED) -> Ros:
    """The sourced distribution, else an installed one, else the wheels.

    A distribution counts only where its rclpy fits the Python that runs this; TRUNNION_ROS=wheels passes over all.
    """
    wheels = Ros(WHEELS_DISTRIBUTION, None)
    if environment.get("TRUNNION_ROS") == "wheels":
        return wheels
    found = [*_sourced(root, environment), *_installed(installed)]
    return next((ros for ros in found if PYTHON_OF[ros.distribution] == sys.version_info[:2]), wheels)


def passed_over(root: Path, environment: Mapping[str, str], installed: Path = INSTALLED) -> list[Ros]:
    """Distributions that stand here and are not used, because their Python is another."""
    found = {*_sourced(root, environment), *_installed(installed)}
    return sorted(found - {choose(root, environment, installed)}, key=str)


def _sourced(root: Path, environment: Mapping[str, str]) -> list[Ros]:
    distribution = environment.get("ROS_DISTRO", "")
    if distribution not in PYTHON_OF:
        return []
    prefixes = [Path(part) for part in environment.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if part]
    outside = [prefix for prefix in prefixes if root not in prefix.parents and _has_rclpy(prefix)]
    return [Ros(distribution, prefix) for prefix in outside[:1]]


def _installed(installed: Path) -> list[Ros]:
    return [Ros(name, installed / name) for name in PYTHON_OF if _has_rclpy(installed / name)]


def _has_rclpy(prefix: Path) -> bool:
    return (prefix / "setup.bash").is_file() and (prefix / "share" / "rclpy").is_dir()


def build_environment(ros: Ros, venv: Path, site_packages: Path, base: Mapping[str, str]) -> dict[str, str]:
    """The variables in which colcon builds: this ROS, this virtual environment, nothing from other workspaces."""
    environment = {name: value for name, value in base.items() if name not in ROS_VARIABLES}
    if ros.prefix is not None:
        environment = sourced(ros.prefix / "setup.bash", environment)
    else:
        environment |= _wheels_environment(venv, site_packages)
    environment["VIRTUAL_ENV"] = str(venv)
    environment["PATH"] = f"{venv / 'bin'}{os.pathsep}{environment.get('PATH', os.defpath)}"
    return environment


def _wheels_environment(venv: Path, site_packages: Path) -> dict[str, str]:
    """The wheels start each interpreter a second time to set LD_LIBRARY_PATH; setting it here saves that."""
    libraries = [venv / "lib", *sorted(site_packages.glob("ros_*.libs"))]
    return {
        "AMENT_PREFIX_PATH": str(venv),
        "CMAKE_PREFIX_PATH": str(venv),
        "LD_LIBRARY_PATH": os.pathsep.join(map(str, libraries)),
        "ROS_DISTRO": WHEELS_DISTRIBUTION,
        "ROS_VERSION": "2",
        "ROS_PYTHON_VERSION": "3",
        "_ROS_WHEELS_BOOTSTRAP_COMPLETE": "1",
    }


def sourced(script: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment after `source script`. Raises subprocess.CalledProcessError where the script fails."""
    command = ["bash", "-c", 'source "$1" >&2 && env -0', "bash", str(script)]
    output = subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=True).stdout
    pairs = (entry.partition("=") for entry in output.split("\0") if entry)
    return {name: value for name, _, value in pairs}
