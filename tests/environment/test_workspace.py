"""The workspace is built again when, and only when, what a build depends on has changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from trunnion_setup.commands import CommandLog
from trunnion_setup.ros import Ros
from trunnion_setup.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    package = tmp_path / "ros2_ws" / "src" / "cell"
    for folder in ("cell", "launch", "msg"):
        (package / folder).mkdir(parents=True)
    for name in (
        "package.xml",
        "setup.py",
        "cell/__init__.py",
        "cell/node.py",
        "launch/up.py",
        "msg/Goal.msg",
    ):
        (package / name).write_text("as it was\n")
    (tmp_path / "colcon.meta").write_text("{}\n")
    return Workspace(tmp_path, Ros("jazzy", None), tmp_path / ".venv", tmp_path, CommandLog(tmp_path / "log"))


def change(workspace: Workspace, name: str) -> None:
    (workspace.folder / "src" / "cell" / name).write_text("as it is now\n")


@pytest.mark.parametrize("name", ["package.xml", "setup.py", "msg/Goal.msg", "msg/New.msg", "launch/new.py"])
def test_it_is_built_again_after(workspace: Workspace, name: str) -> None:
    before = workspace.digest("environment")
    change(workspace, name)
    assert workspace.digest("environment") != before


@pytest.mark.parametrize("name", ["cell/node.py", "cell/new.py", "launch/up.py"])
def test_links_make_a_build_needless_after(workspace: Workspace, name: str) -> None:
    before = workspace.digest("environment")
    change(workspace, name)
    assert workspace.digest("environment") == before


def test_another_environment_or_ros_means_another_build(workspace: Workspace, tmp_path: Path) -> None:
    other = Workspace(
        tmp_path, Ros("humble", Path("/opt/ros/humble")), tmp_path / ".venv", tmp_path, workspace._log
    )
    assert len({workspace.digest("one"), workspace.digest("two"), other.digest("one")}) == 3
