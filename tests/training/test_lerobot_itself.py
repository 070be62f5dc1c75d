"""LeRobot's own library opens what is written here, and what it writes is read, where a Python has it.

It wants a later Python than the rest, and so a process of its own: `lerobot_process.py`.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.training.demonstrated import demonstrated, episodes, same

from trunnion_training.policy.exchange.demonstrated import Wishes
from trunnion_training.policy.exchange.lerobot_reader import read_lerobot
from trunnion_training.policy.exchange.lerobot_writer import write_lerobot
from trunnion_training.policy.recording import write_recording

VARIABLE = "TRUNNION_LEROBOT_PYTHON"
WITHOUT = (
    "no Python with LeRobot; python3.12 -m venv lerobot && lerobot/bin/pip install 'lerobot[dataset]' && "
    f"export {VARIABLE}=$PWD/lerobot/bin/python"
)
PROCESS = Path(__file__).with_name("lerobot_process.py")
_TIMEOUT_S = 120


@pytest.fixture(scope="module")
def lerobot_python() -> str:
    """The Python that the variable names, or the python3.12 that is found, if LeRobot is in it."""
    named = os.environ.get(VARIABLE)
    found = named or shutil.which("python3.12")
    has_it = "import importlib.util, sys; sys.exit(importlib.util.find_spec('lerobot') is None)"
    if found and not subprocess.run([found, "-c", has_it], capture_output=True, check=False).returncode:
        return found
    if named:
        pytest.fail(f"{VARIABLE} is {named}, in which there is no LeRobot")
    pytest.skip(f"NOT RUN: {WITHOUT}")


def lerobot(python: str, *arguments: object) -> str:
    """What LeRobot's process says, which has to end well; it sees nothing of this one's packages."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ended = subprocess.run(
        [python, str(PROCESS), *map(str, arguments)],
        env=environment, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.parametrize("images", [False, True])
def test_lerobot_opens_what_is_written(lerobot_python: str, tmp_path: Path, images: bool) -> None:
    shown = demonstrated(images)
    write_recording(tmp_path / "a.parquet", shown.header, shown.episodes)
    write_lerobot(tmp_path / "a", shown)
    said = lerobot(lerobot_python, "opens", tmp_path / "a", tmp_path / "a.parquet")
    assert said.endswith("3 episodes, 18 frames, all as recorded\n")


@pytest.mark.parametrize("images", [False, True])
def test_what_lerobot_writes_is_read(lerobot_python: str, tmp_path: Path, images: bool) -> None:
    shown = demonstrated(images)
    write_recording(tmp_path / "a.parquet", shown.header, shown.episodes)
    lerobot(lerobot_python, "writes", tmp_path / "a.parquet", tmp_path / "b")
    for wanted, read in zip(episodes(images), read_lerobot(tmp_path / "b", Wishes()).episodes, strict=True):
        # LeRobot has no place for success.
        assert same(dataclasses.replace(wanted, success=None), read)
