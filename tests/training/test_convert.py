"""Converting demonstrations, as a person does it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.training.demonstrated import HEADER, demonstrated, episodes, same

from trunnion_contract.errors import BadInput, ExitCode
from trunnion_training.policy.convert import convert, form_of, main
from trunnion_training.policy.recording import open_recording, write_recording


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    write_recording(tmp_path / "a.parquet", HEADER, episodes())
    return tmp_path / "a.parquet"


@pytest.mark.parametrize("form", ["lerobot", "minari"])
def test_there_and_back_gives_the_same_file(recording: Path, tmp_path: Path, form: str) -> None:
    there = tmp_path / "there-v0"
    assert main([str(recording), str(there), "--as", form]) == ExitCode.OK
    assert form_of(there) == form
    assert main([str(there), str(tmp_path / "back.parquet")]) == ExitCode.OK
    assert (tmp_path / "back.parquet").read_bytes() == recording.read_bytes()


def test_from_one_foreign_form_to_the_other(recording: Path, tmp_path: Path) -> None:
    convert(recording, tmp_path / "a-v0", "lerobot")
    convert(tmp_path / "a-v0", tmp_path / "b-v0", "minari")
    convert(tmp_path / "b-v0", tmp_path / "c.parquet")
    assert (tmp_path / "c.parquet").read_bytes() == recording.read_bytes()


def test_pictures_can_be_left_out(tmp_path: Path) -> None:
    seen = demonstrated(images=True)
    write_recording(tmp_path / "a.parquet", seen.header, seen.episodes)
    assert (
        main(
            [
                str(tmp_path / "a.parquet"),
                str(tmp_path / "b.parquet"),
                "--as",
                "recording",
                "--without-images",
            ]
        )
        == 0
    )
    recording = open_recording(tmp_path / "b.parquet")
    assert recording.header.image is None
    assert all(same(a, b) for a, b in zip(episodes(), recording.episodes(), strict=True))


def test_the_command_says_what_it_wrote_and_what_not(recording: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "trunnion_training.policy.convert"]
    there = subprocess.run(
        [*command, recording, tmp_path / "a-v0", "--as", "minari"], capture_output=True, text=True, check=True
    )
    assert there.stdout == f"{tmp_path / 'a-v0'}: minari at 20 Hz\n"
    again = subprocess.run(
        [*command, recording, tmp_path / "a-v0"], capture_output=True, text=True, check=False
    )
    assert again.returncode == ExitCode.BAD_INPUT
    assert "something that is there already" in again.stderr
    assert "Traceback" not in again.stderr


def test_what_stands_there_is_never_written_over(recording: Path, tmp_path: Path) -> None:
    before = recording.read_bytes()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter").write_text("mine")
    for target in (recording, tmp_path / "full"):
        with pytest.raises(BadInput, match="there already"):
            convert(recording, target, "lerobot")
    assert recording.read_bytes() == before
    assert (tmp_path / "full" / "letter").read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "got"), [("nothing", "nothing"), ("text", "another kind"), ("", "another folder")]
)
def test_what_is_no_demonstrations_is_refused(tmp_path: Path, name: str, got: str) -> None:
    (tmp_path / "text").write_text("PAR")
    with pytest.raises(BadInput, match=f"got .*{got}, wanted a recording"):
        convert(tmp_path / name, tmp_path / "a.parquet")


def test_a_recording_wants_to_know_what_becomes_of_it(recording: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="wanted --as recording or lerobot or minari"):
        convert(recording, tmp_path / "b")
