"""`.venv` is mended where an earlier run was interrupted."""

from __future__ import annotations

from pathlib import Path

import pytest

from trunnion_setup.commands import CommandLog
from trunnion_setup.failure import SetupFailed
from trunnion_setup.python_environment import PythonEnvironment


@pytest.fixture
def environment(tmp_path: Path) -> PythonEnvironment:
    return PythonEnvironment(tmp_path, CommandLog(tmp_path / "setup.log"))


def test_a_half_made_environment_is_noticed_and_made_anew(environment: PythonEnvironment) -> None:
    (environment.folder / "bin").mkdir(parents=True)
    environment.python.write_text("")
    leftover = environment.folder / "leftover"
    leftover.touch()
    assert not environment.works()
    environment.create()
    assert environment.works()
    assert not leftover.exists()


def test_an_environment_that_was_moved_does_not_count(environment: PythonEnvironment, tmp_path: Path) -> None:
    environment.create()
    moved = PythonEnvironment(tmp_path / "elsewhere", CommandLog(tmp_path / "setup.log"))
    moved.root.mkdir()
    environment.folder.rename(moved.folder)
    assert moved.identity() != environment.identity()


def test_an_interrupted_sync_installs_everything_again(
    environment: PythonEnvironment, tmp_path: Path
) -> None:
    said = tmp_path / "said"
    environment.uv.parent.mkdir(parents=True)
    (environment.uv.parent / "python").symlink_to("/bin/true")
    environment.uv.write_text(f'#!/bin/sh\necho "$@" >> {said}\ntest -e {tmp_path}/online\n')
    environment.uv.chmod(0o755)
    with pytest.raises(SetupFailed, match="locked packages"):
        environment.install_locked(tmp_path / "lock.txt")
    (tmp_path / "online").touch()
    environment.install_locked(tmp_path / "lock.txt")
    environment.install_locked(tmp_path / "lock.txt")
    assert ["--reinstall" in line for line in said.read_text().splitlines()] == [False, True, False]


def test_a_failed_command_shows_its_last_words_and_the_log(tmp_path: Path) -> None:
    log = CommandLog(tmp_path / "setup.log")
    with pytest.raises(SetupFailed) as failure:
        log.run("a step", ["sh", "-c", "echo no space left; exit 7"], {}, tmp_path)
    assert "no space left" in failure.value.got
    assert "7" in failure.value.got
    assert str(log.path) in failure.value.next_step
