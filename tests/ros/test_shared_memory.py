"""What killed processes left in shared memory is freed; what lives keeps its own."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from trunnion_inference.shared_memory import free_segments_of_the_dead

NODE = """
import rclpy, sys
rclpy.init()
node = rclpy.create_node("owner")
print("up", flush=True)
sys.stdin.read()
node.destroy_node()
rclpy.shutdown()
"""
LOCK = "fastrtps_0123456789abcdef_el"


@pytest.fixture
def owner() -> Iterator[Callable[[], tuple[subprocess.Popen[str], set[Path]]]]:
    """Starts a process that holds shared memory; gives it and the locks of its segments."""
    processes: list[subprocess.Popen[str]] = []

    def start() -> tuple[subprocess.Popen[str], set[Path]]:
        process = subprocess.Popen([sys.executable, "-c", NODE], stdin=-1, stdout=-1, text=True)
        processes.append(process)
        assert process.stdout
        assert process.stdout.readline() == "up\n"
        return process, locks_of(process.pid)

    yield start
    for process in processes:
        process.kill()
        process.communicate()
    time.sleep(1.1)
    free_segments_of_the_dead()


@pytest.fixture
def dead(tmp_path: Path) -> Path:
    """The lock of a segment whose owner died a minute ago."""
    lock = tmp_path / LOCK
    lock.touch()
    a_minute_ago_s = time.time() - 60
    os.utime(lock, (a_minute_ago_s, a_minute_ago_s))
    segment(lock).write_bytes(bytes(1024))
    return lock


def locks_of(process_id: int) -> set[Path]:
    """The locks of segments that a process has open; others may come and go meanwhile."""
    opened = {link.readlink() for link in Path(f"/proc/{process_id}/fd").iterdir()}
    return {file for file in opened if re.fullmatch(r"fastrtps_[0-9a-f]{16}_el", file.name)}


def segment(lock: Path) -> Path:
    return lock.with_name(lock.name.removesuffix("_el"))


def test_a_killed_process_leaves_its_memory_held_until_it_is_freed(
    owner: Callable[[], tuple[subprocess.Popen[str], set[Path]]],
) -> None:
    process, held = owner()
    assert held
    process.kill()
    process.wait()
    assert all(segment(lock).exists() for lock in held)
    time.sleep(1.1)
    free_segments_of_the_dead()
    assert not any(lock.exists() or segment(lock).exists() for lock in held)


def test_what_a_living_process_holds_stays(
    owner: Callable[[], tuple[subprocess.Popen[str], set[Path]]],
) -> None:
    _, held = owner()
    time.sleep(1.1)
    free_segments_of_the_dead()
    assert held
    assert all(lock.exists() and segment(lock).exists() for lock in held)


def test_the_size_of_what_was_freed_is_told(dead: Path) -> None:
    assert free_segments_of_the_dead(dead.parent) == 1024
    assert not list(dead.parent.iterdir())


def test_a_segment_that_is_just_being_made_stays(dead: Path) -> None:
    os.utime(dead)
    assert free_segments_of_the_dead(dead.parent) == 0
    assert segment(dead).exists()


def test_a_lock_that_somebody_holds_keeps_its_segment(dead: Path) -> None:
    with dead.open() as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        assert free_segments_of_the_dead(dead.parent) == 0
    assert segment(dead).exists()


def test_files_that_are_not_segments_stay(dead: Path) -> None:
    others = [
        dead.with_name(name) for name in ("fastrtps_port7411_el", "sem.fastrtps_port7411_mutex", "mine")
    ]
    a_minute_ago_s = time.time() - 60
    for other in others:
        other.touch()
        os.utime(other, (a_minute_ago_s, a_minute_ago_s))
    free_segments_of_the_dead(dead.parent)
    assert all(other.exists() for other in others)


def test_a_link_in_the_place_of_a_lock_is_not_followed(dead: Path, tmp_path: Path) -> None:
    dead.rename(tmp_path / "elsewhere")
    dead.symlink_to(tmp_path / "elsewhere")
    assert free_segments_of_the_dead(tmp_path) == 0
    assert segment(dead).exists()


def test_a_machine_without_shared_memory_has_nothing_to_free(tmp_path: Path) -> None:
    assert free_segments_of_the_dead(tmp_path / "none") == 0
