"""The wheels are made to fit this machine, without touching uv's cache."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from trunnion_setup.ros_wheels import forget_second_names, relocate, without_ros_wheels

BUILT_ON = (
    'set(INCLUDES "/opt/python/cp311-cp311/include/python3.11;'
    '/opt/python/cp311-cp311/lib/python3.11/site-packages/numpy/_core/include")\n'
    'set(PREFIX "/opt/python/cp311-cp311")\n'
)


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A virtual environment in which one CMake file is hard-linked to a cache, as uv does it."""
    cached = tmp_path / "cache" / "pkgConfig.cmake"
    cached.parent.mkdir()
    cached.write_text(BUILT_ON)
    installed = tmp_path / "venv" / "share" / "pkg" / "cmake" / "pkgConfig.cmake"
    installed.parent.mkdir(parents=True)
    os.link(cached, installed)
    (tmp_path / "venv" / "share" / "pkg" / "logo.cmake").write_bytes(b"\xff\xfe/opt/python/cp311-cp311")
    return tmp_path / "venv"


def move_in(environment: Path) -> int:
    include = Path("/usr/include/python3.11")
    return relocate(environment / "share", environment, environment / "lib/python3.11/site-packages", include)


def test_the_builders_paths_become_this_machines(environment: Path) -> None:
    assert move_in(environment) == 1
    text = (environment / "share/pkg/cmake/pkgConfig.cmake").read_text()
    assert '"/usr/include/python3.11;' in text
    assert f"{environment}/lib/python3.11/site-packages/numpy/_core/include" in text
    assert f'set(PREFIX "{environment}")' in text
    assert "/opt/python" not in text


def test_the_cache_behind_the_hard_link_keeps_its_bytes(environment: Path) -> None:
    move_in(environment)
    assert (environment.parent / "cache" / "pkgConfig.cmake").read_text() == BUILT_ON


def test_a_second_call_changes_nothing(environment: Path) -> None:
    move_in(environment)
    assert move_in(environment) == 0


def test_only_second_names_of_installed_packages_are_forgotten(tmp_path: Path) -> None:
    (tmp_path / "rclpy").mkdir()
    (tmp_path / "rclpy-7.1.5-py3.11.egg-info").mkdir()
    (tmp_path / "stranger-1.0-py3.11.egg-info").mkdir()
    forget_second_names(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rclpy", "stranger-1.0-py3.11.egg-info"]


def test_beside_a_distribution_only_the_ros_wheels_stay_out() -> None:
    lock = "colcon-ros==0.5.0\nros-rclpy==7.1.6\nrosbags==1.0\n"
    assert without_ros_wheels(lock) == "colcon-ros==0.5.0\nrosbags==1.0\n"
