"""One function says in which environment ROS processes run."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from trunnion.environment import FAST_DDS_PROFILE, RECORD, exports, ros_environment


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    record = {
        "prepend": {"PYTHONPATH": ["/ours/a", "/ours/b"], "PATH": ["/ours/bin"]},
        "set": {"ROS_DISTRO": "jazzy"},
    }
    (tmp_path / RECORD).parent.mkdir(parents=True)
    (tmp_path / RECORD).write_text(json.dumps(record))
    return tmp_path


def test_ours_stands_in_front_of_what_was_there(checkout: Path) -> None:
    environment = ros_environment(checkout, {"PATH": "/usr/bin", "PYTHONPATH": "/theirs"})
    assert environment["PYTHONPATH"] == "/ours/a:/ours/b:/theirs"
    assert environment["PATH"] == "/ours/bin:/usr/bin"
    assert environment["ROS_DISTRO"] == "jazzy"


def test_applied_twice_it_changes_nothing(checkout: Path) -> None:
    once = ros_environment(checkout, {"PATH": "/usr/bin"})
    assert ros_environment(checkout, once) == once


def test_nodes_stay_on_this_machine_with_large_shared_memory_by_default(checkout: Path) -> None:
    environment = ros_environment(checkout, {})
    assert environment["ROS_AUTOMATIC_DISCOVERY_RANGE"] == "LOCALHOST"
    assert environment["FASTRTPS_DEFAULT_PROFILES_FILE"] == str(checkout / FAST_DDS_PROFILE)


def test_nodes_log_inside_the_checkout_by_default(checkout: Path) -> None:
    assert Path(ros_environment(checkout, {})["ROS_LOG_DIR"]).is_relative_to(checkout)


def test_the_users_own_network_settings_stay(checkout: Path) -> None:
    mine = {"ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET", "FASTRTPS_DEFAULT_PROFILES_FILE": "/mine.xml"}
    assert ros_environment(checkout, mine).items() >= mine.items()


def test_a_checkout_without_a_workspace_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ros_environment(tmp_path, {})


def test_a_shell_that_sources_the_exports_is_in_the_same_environment(checkout: Path) -> None:
    base = {"PATH": "/usr/bin:/bin", "PYTHONPATH": "/with space/and'quote"}
    script = f"{exports(checkout, base)}\nenv -0"
    output = subprocess.run(
        ["bash", "-c", script], env=base, capture_output=True, text=True, check=True
    ).stdout
    shell = dict(line.partition("=")[::2] for line in output.split("\0") if line)
    assert shell.items() >= ros_environment(checkout, base).items()
