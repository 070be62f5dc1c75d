"""A ROS package declares what it imports, or it builds in the wrong order and lacks parts where it is installed."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PACKAGES = ("trunnion_bridge", "trunnion_bringup", "trunnion_cell", "trunnion_inference")
# ROS packages by name; what comes through pip (trunnion_edge, numpy, ...) is the lock's business.
ROS_PACKAGE = re.compile(
    r"rclpy|launch|launch_ros|lifecycle_msgs|unique_identifier_msgs|std_srvs|\w+_(?:msgs|interfaces)"
)


def imported_ros_packages(folder: Path, siblings: set[str]) -> set[str]:
    names: set[str] = set()
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    return {name for name in names if ROS_PACKAGE.fullmatch(name) or name in siblings}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_declares_the_ros_packages_that_it_imports(repository: Path, package: str) -> None:
    folder = repository / "ros2_ws" / "src" / package
    declared = set(re.findall(r"<(?:exec_)?depend>([^<]+)<", (folder / "package.xml").read_text()))
    imported = imported_ros_packages(folder, set(PACKAGES) - {package})
    assert imported - declared == set()
