"""The checkout that this command line belongs to, and the ROS 2 environment that set-up made in it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from trunnion.environment import ros_environment
from trunnion_contract.errors import Broken

ROOT = Path(__file__).resolve().parents[2]


def cell_environment() -> dict[str, str]:
    """The environment of the cell's processes; this process can import the workspace's Python packages afterwards.

    Raises:
        Broken: the workspace is not built.
    """
    try:
        environment = ros_environment(ROOT, os.environ)
    except FileNotFoundError as error:
        raise Broken(
            where="the ROS workspace",
            got=str(error),
            wanted="a built workspace",
            next_step=f"make -C {ROOT} setup",
        ) from None
    folders = [folder for folder in environment.get("PYTHONPATH", "").split(os.pathsep) if folder]
    sys.path.extend(folder for folder in folders if folder not in sys.path)
    return environment
