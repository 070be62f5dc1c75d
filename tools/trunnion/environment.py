"""The environment in which ROS processes of a checkout run, as set-up wrote it down."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

RECORD = Path("ros2_ws/install/environment.json")
NODE_LOGS = Path("ros2_ws/log/nodes")
FAST_DDS_PROFILE = Path("ros2_ws/src/trunnion_bringup/config/fastdds.xml")


def ros_environment(root: Path, base: Mapping[str, str]) -> dict[str, str]:
    """`base` with this checkout's ROS 2, built workspace and virtual environment in front.

    What the user has set of the network and the logs stays; by default nodes find each other on this machine only
    and write nothing outside the checkout. Raises FileNotFoundError where the workspace at `root` has not been built.
    """
    record = json.loads((root / RECORD).read_text())
    environment = dict(base)
    for name, parts in record["prepend"].items():
        environment[name] = _in_front(parts, base.get(name, ""))
    environment |= record["set"]
    environment.setdefault("FASTRTPS_DEFAULT_PROFILES_FILE", str(root / FAST_DDS_PROFILE))
    environment.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    environment.setdefault("ROS_LOG_DIR", str(root / NODE_LOGS))
    return environment


def _in_front(parts: list[str], existing: str) -> str:
    behind = [part for part in existing.split(os.pathsep) if part and part not in parts]
    return os.pathsep.join([*parts, *behind])


def exports(root: Path, base: Mapping[str, str]) -> str:
    """Shell lines that bring a shell with environment `base` to `ros_environment`."""
    environment = ros_environment(root, base)
    changed = sorted(name for name, value in environment.items() if base.get(name) != value)
    return "\n".join(f"export {name}={shlex.quote(environment[name])}" for name in changed)


if __name__ == "__main__":
    print(exports(Path(sys.argv[1]).resolve(), os.environ))
