"""`make setup` as a newcomer meets it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

SECOND_START_S = 10


def run_setup(repository: Path, path: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": path, "HOME": os.environ["HOME"], "TRUNNION_ROS": "wheels", **variables}
    command = [repository / "tools" / "setup" / "setup.sh"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def bare_path(tmp_path: Path) -> Path:
    """A PATH with the shell's own tools, and neither Python nor a compiler, make or git."""
    for name in ("sh", "dirname"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    return tmp_path


def test_what_stands_is_not_set_up_again(repository: Path) -> None:
    subprocess.run(["make", "setup"], cwd=repository, check=True, capture_output=True)
    start_s = time.monotonic()
    again = subprocess.run(["make", "setup"], cwd=repository, check=True, capture_output=True, text=True)
    assert time.monotonic() - start_s < SECOND_START_S
    assert "..." not in again.stdout, "a step that stands was done again"


def test_missing_tools_are_named_with_their_packages(repository: Path, bare_path: Path) -> None:
    python = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    result = run_setup(repository, str(bare_path), PYTHON=str(python))
    assert result.returncode == 2
    assert result.stdout == ""
    for name, package in (("git", "git"), ("make", "make"), ("C compiler", "gcc"), ("C++ compiler", "g++")):
        assert f"  {name}: not on PATH" in result.stderr
        assert f"apt-get install -y {package}\n" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_missing_python_is_named_with_its_package(repository: Path, bare_path: Path) -> None:
    result = run_setup(repository, str(bare_path))
    assert result.returncode == 2
    assert "Python 3.11" in result.stderr
    assert "apt-get install -y python3.11 python3.11-venv python3.11-dev" in result.stderr


def test_two_setups_at_once_both_succeed(repository: Path) -> None:
    commands = [
        subprocess.Popen(["make", "setup"], cwd=repository, stdout=subprocess.DEVNULL) for _ in range(2)
    ]
    assert [command.wait(timeout=60) for command in commands] == [0, 0]


def test_a_missing_browser_is_named_and_stops_nothing(repository: Path, bare_path: Path) -> None:
    (bare_path / "id").symlink_to(str(shutil.which("id")))
    command = [repository / "tools" / "setup" / "browser.sh"]
    result = subprocess.run(
        command, env={"PATH": str(bare_path)}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0
    assert "tests/browser do not run" in result.stdout
    assert "apt-get install -y chromium" in result.stdout
