"""A ROS 2 that stands is used where its Python fits; otherwise the wheels are."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from trunnion_setup import ros
from trunnion_setup.ros import Ros, build_environment, choose, passed_over

WHEELS = Ros("jazzy", None)


def distribution(folder: Path) -> Path:
    """Something that looks like an installed ROS 2."""
    (folder / "share" / "rclpy").mkdir(parents=True)
    (folder / "setup.bash").write_text(f"export AMENT_PREFIX_PATH={folder} ROS_DISTRO={folder.name}\n")
    return folder


@pytest.fixture
def fitting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ros, "PYTHON_OF", {"jazzy": sys.version_info[:2], "humble": (3, 10)})


def test_without_a_distribution_the_wheels_are_used(tmp_path: Path) -> None:
    assert choose(tmp_path, {}, tmp_path / "opt") == WHEELS


@pytest.mark.usefixtures("fitting")
def test_an_installed_distribution_is_used(tmp_path: Path) -> None:
    jazzy = distribution(tmp_path / "opt" / "jazzy")
    assert choose(tmp_path, {}, tmp_path / "opt") == Ros("jazzy", jazzy)


@pytest.mark.usefixtures("fitting")
def test_a_sourced_distribution_goes_before_an_installed_one(tmp_path: Path) -> None:
    distribution(tmp_path / "opt" / "jazzy")
    mine = distribution(tmp_path / "home" / "jazzy")
    sourced = {"ROS_DISTRO": "jazzy", "AMENT_PREFIX_PATH": f"/nowhere:{mine}"}
    assert choose(tmp_path / "checkout", sourced, tmp_path / "opt") == Ros("jazzy", mine)


@pytest.mark.usefixtures("fitting")
def test_the_users_wish_for_wheels_goes_before_all(tmp_path: Path) -> None:
    distribution(tmp_path / "opt" / "jazzy")
    assert choose(tmp_path, {"TRUNNION_ROS": "wheels"}, tmp_path / "opt") == WHEELS


@pytest.mark.usefixtures("fitting")
def test_our_own_sourced_environment_is_no_distribution(tmp_path: Path) -> None:
    own = distribution(tmp_path / ".venv")
    assert (
        choose(tmp_path, {"ROS_DISTRO": "jazzy", "AMENT_PREFIX_PATH": str(own)}, tmp_path / "opt") == WHEELS
    )


@pytest.mark.usefixtures("fitting")
def test_a_distribution_for_another_python_is_passed_over_and_named(tmp_path: Path) -> None:
    humble = distribution(tmp_path / "opt" / "humble")
    assert choose(tmp_path, {}, tmp_path / "opt") == WHEELS
    assert passed_over(tmp_path, {}, tmp_path / "opt") == [Ros("humble", humble)]


def test_another_workspace_in_the_shell_does_not_reach_the_build(tmp_path: Path) -> None:
    shell = {"PATH": "/usr/bin", "PYTHONPATH": "/other/python", "AMENT_PREFIX_PATH": "/other", "LANG": "C"}
    environment = build_environment(WHEELS, tmp_path, tmp_path / "site-packages", shell)
    assert environment["AMENT_PREFIX_PATH"] == str(tmp_path)
    assert environment["PATH"] == f"{tmp_path / 'bin'}{os.pathsep}/usr/bin"
    assert environment["LANG"] == "C"
    assert "PYTHONPATH" not in environment


def test_a_distribution_is_sourced_for_the_build(tmp_path: Path) -> None:
    jazzy = distribution(tmp_path / "jazzy")
    environment = build_environment(
        Ros("jazzy", jazzy), tmp_path / "venv", tmp_path, {"PATH": os.environ["PATH"]}
    )
    assert environment["AMENT_PREFIX_PATH"] == str(jazzy)
    assert environment["VIRTUAL_ENV"] == str(tmp_path / "venv")
