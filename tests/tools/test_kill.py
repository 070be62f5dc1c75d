"""kill -9 at any moment loses no finished work, and the end is the same as without it."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from trunnion.record import outputs_of, read_record

SECONDS_PER_ITEM = 0.1
FOLDERS = ("data", "train", "export")


def start(script: Path, folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, script, folder, str(SECONDS_PER_ITEM)], stderr=subprocess.PIPE)


def wait_for_work(folder: Path, process: subprocess.Popen[bytes]) -> None:
    """Loading Python takes longer than the work itself; kill the work."""
    size = log_size(folder)
    while process.poll() is None and log_size(folder) == size and not (folder / "data").exists():
        time.sleep(0.005)


def log_size(folder: Path) -> int:
    log = folder / "made.log"
    return log.stat().st_size if log.exists() else 0


def test_killed_again_and_again_the_flow_ends_with_the_same_bytes(small_flow, tmp_path):
    script, undisturbed, killed = Path(small_flow.__file__), tmp_path / "undisturbed", tmp_path / "killed"
    assert start(script, undisturbed).wait() == 0
    rng, kills = random.Random(1), 0
    for _ in range(40):
        with start(script, killed) as process:
            wait_for_work(killed, process)
            time.sleep(rng.uniform(0, 0.5))
            process.kill()
            if process.wait() == 0:
                break
            kills += 1
    with start(script, killed) as process:
        assert process.wait() == 0, process.stderr.read()
    assert kills >= 3
    for name in FOLDERS:
        assert outputs_of(killed / name) == outputs_of(undisturbed / name)
        assert read_record(killed / f"{name}.json").outputs == outputs_of(killed / name)
    # Each kill costs at most the item that was being written.
    assert len((killed / "made.log").read_text().split()) <= small_flow.ITEMS + kills
    assert not list(killed.glob(".*.part*"))
