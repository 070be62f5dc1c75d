"""What was seen of pictures is kept by their bytes, and is a help that nothing depends on."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import cv2
import numpy as np
import pytest

from trunnion_training import file_workers, inspection
from trunnion_training.inspection import Inspected, inspect, inspect_all
from trunnion_training.inspection_cache import InspectionCache, cache_file, forget


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    rng = np.random.default_rng(0)
    files = [tmp_path / f"{number}.png" for number in range(6)]
    for file in files:
        cv2.imwrite(str(file), rng.integers(0, 256, (20, 30, 3), dtype=np.uint8))
    return files


@pytest.fixture
def kept(tmp_path: Path, pictures: list[Path]) -> Path:
    """A cache that knows the pictures."""
    file = tmp_path / "cache" / "pictures.sqlite"
    list(inspect_all(pictures, file))
    return file


def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The digests of what is decoded from now on."""
    decoded: list[str] = []
    look = inspection._look
    monkeypatch.setattr(
        inspection, "_look", lambda data, digest: decoded.append(digest) or look(data, digest)
    )
    return decoded


def test_the_same_bytes_are_not_decoded_again_whatever_their_name(
    pictures: list[Path], kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, decoded = [inspect(file) for file in pictures], looks(monkeypatch)
    moved = [file.rename(file.with_name(f"moved-{file.name}")) for file in pictures]
    assert list(inspect_all(moved, kept)) == before
    assert decoded == []


def test_other_bytes_under_the_same_name_are_looked_at_anew(
    pictures: list[Path], kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = looks(monkeypatch)
    cv2.imwrite(str(pictures[2]), np.full((10, 10, 3), 200, np.uint8))
    seen = list(inspect_all(pictures, kept))
    assert isinstance(seen[2], Inspected)
    assert (seen[2].size_px, decoded) == ((10, 10), [seen[2].file_sha256])


def garbage(file: Path) -> None:
    file.write_bytes(b"no database, whatever else")


def cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:5000])


def torn(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[4096:] = bytes(len(data) - 4096)
    file.write_bytes(data)


def changed_row(file: Path) -> None:
    with sqlite3.connect(file) as database:
        database.execute("UPDATE seen SET seen = replace(seen, '30', '31')")
    database.close()


def another_form(file: Path) -> None:
    InspectionCache(file, "f" * 64).write({"a": 1})


@pytest.mark.parametrize("harm", [garbage, cut_short, torn, changed_row, another_form])
def test_a_cache_that_is_not_as_it_was_written_is_made_anew(
    pictures: list[Path], kept: Path, harm: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    harm(kept)  # type: ignore[operator]
    expected = [inspect(file) for file in pictures]
    assert list(inspect_all(pictures, kept)) == expected
    list(inspect_all(pictures, kept))
    decoded = looks(monkeypatch)
    assert list(inspect_all(pictures, kept)) == expected
    assert decoded == []


def test_a_full_disk_or_a_folder_that_cannot_be_made_is_gone_on_without(
    pictures: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = [inspect(file) for file in pictures]
    assert list(inspect_all(pictures, pictures[0] / "below a file" / "cache.sqlite")) == expected
    prepare = InspectionCache._prepare

    def on_a_full_disk(cache: InspectionCache, database: sqlite3.Connection) -> None:
        prepare(cache, database)
        database.execute("PRAGMA max_page_count = 2")

    monkeypatch.setattr(InspectionCache, "_prepare", on_a_full_disk)
    rows = {str(number): "x" * 3000 for number in range(20)}
    full = InspectionCache(tmp_path / "full.sqlite", "0" * 64)
    full.write(rows)
    assert full.read(["0"]) == {}
    assert (tmp_path / "full.sqlite").is_file()


def test_two_processes_keep_what_they_see_in_one_cache(
    pictures: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_workers, "_FILES_FOR_A_POOL", 2)
    monkeypatch.setattr(file_workers, "_FILES_AT_ONCE", 1)
    file = tmp_path / "shared.sqlite"
    with file_workers.file_workers(2):
        seen = list(inspect_all(pictures * 3, file))
    assert seen == [inspect(picture) for picture in pictures] * 3
    with sqlite3.connect(file) as database:
        assert database.execute("SELECT count(*) FROM seen").fetchone() == (len(pictures),)
    database.close()


def test_it_lies_in_the_run_or_where_the_user_says_and_goes_when_told(
    tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRUNNION_CACHE_DIR", raising=False)
    assert cache_file(tmp_path).parent == tmp_path
    monkeypatch.setenv("TRUNNION_CACHE_DIR", str(tmp_path / "cache"))
    assert cache_file(tmp_path) == kept
    forget(kept)
    assert not kept.exists()
