"""What killed ROS processes leave in shared memory is removed, and nothing else is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trunnion.left_segments import left_segments, remove_left_segments

PARTICIPANT = """
import rclpy
rclpy.init()
node = rclpy.create_node("short_lived")
print("there", flush=True)
rclpy.spin(node)
"""


def _own_segments(pid: int) -> list[Path]:
    """Those that the process made; it also looks into others'."""
    maps = Path(f"/proc/{pid}/maps").read_text()
    seen = {Path(name) for name in re.findall(r"/dev/shm/fastrtps_[0-9a-f]{16}\b", maps)}
    opened = {link.readlink() for link in Path(f"/proc/{pid}/fd").iterdir()}
    return [path for path in seen if Path(f"{path}_el") in opened]


@pytest.fixture
def participant(ros_process_environment):
    """A ROS process of which the segments are old enough to be looked at."""
    process = subprocess.Popen(
        [sys.executable, "-c", PARTICIPANT], env=ros_process_environment, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout
        assert process.stdout.readline() == "there\n"
        segments = _own_segments(process.pid)
        for path in segments:
            os.utime(path, (time.time() - 60, time.time() - 60))
        yield process, segments
        process.kill()


def test_a_killed_process_s_segment_is_removed_and_a_living_one_s_is_not(participant):
    process, segments = participant
    assert segments
    remove_left_segments()
    assert all(path.exists() for path in segments)

    process.kill()
    process.wait()

    assert left_segments().count >= len(segments)
    assert remove_left_segments().count >= len(segments)
    assert not any(path.exists() or Path(f"{path}_el").exists() for path in segments)


def test_what_is_young_or_not_a_segment_stays(tmp_path):
    young, port, foreign = (
        tmp_path / name for name in ("fastrtps_0123456789abcdef", "fastrtps_port7411", "others")
    )
    for path in (young, port, foreign):
        path.write_bytes(b"x")
        Path(f"{path}_el").touch()
    for path in (port, foreign):
        os.utime(path, (0, 0))

    assert remove_left_segments(tmp_path) == (0, 0)
    assert all(path.exists() for path in (young, port, foreign))


def test_a_machine_without_shared_memory_has_no_leftovers(tmp_path):
    assert left_segments(tmp_path / "none") == (0, 0)
