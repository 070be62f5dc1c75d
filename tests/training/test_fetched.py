"""Object stores: files come once, with their digests, and a store that goes away loses nothing that was fetched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from tests.training.shapes import PROVENANCE, make_usecase, yolo_folder

from trunnion_contract.errors import BadInput
from trunnion_contract.files import digest_file
from trunnion_contract.progress import Silent
from trunnion_contract.strict import parse
from trunnion_contract.usecase import UseCase
from trunnion_training.dataset import build
from trunnion_training.source_digests import source_digests
from trunnion_training.sources.fetched import fetch

URL = "memory://store/raccoons"


@pytest.fixture
def store(tmp_path: Path) -> MemoryFileSystem:
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    memory.put(str(yolo_folder(tmp_path / "source", 6)) + "/", "/store/raccoons/", recursive=True)
    return memory


def usecase_of(url: str) -> UseCase:
    document = make_usecase(Path("unused")).model_dump(by_alias=True, mode="json")
    document["data"]["sources"] = [{"kind": "yolo", "url": url, "provenance": PROVENANCE}]
    return parse(UseCase, document, "use case")


def test_a_dataset_from_a_store_is_that_from_a_folder(store: MemoryFileSystem, tmp_path: Path) -> None:
    local = build(make_usecase(tmp_path / "source"), tmp_path / "local", Silent())
    for url in (URL, f"file://{tmp_path}/source"):
        assert build(usecase_of(url), tmp_path / "remote", Silent()).digest == local.digest


def test_what_was_fetched_is_not_fetched_again(
    store: MemoryFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    got: list[str] = []
    get_file = MemoryFileSystem.get_file
    monkeypatch.setattr(
        MemoryFileSystem,
        "get_file",
        lambda self, key, *rest, **more: got.append(key) or get_file(self, key, *rest, **more),
    )
    folder = fetch(URL, tmp_path / "out", Silent())
    assert len(got) == 12
    rows = [json.loads(line) for line in (tmp_path / "out" / "fetched.jsonl").read_text().splitlines()]
    assert all(digest_file(folder / row["name"]) == row["sha256"] for row in rows)
    (folder / "labels" / "001.txt").write_text("spoilt here")
    store.pipe_file("/store/raccoons/labels/002.txt", b"changed there")
    got.clear()
    fetch(URL, tmp_path / "out", Silent())
    assert sorted(key[-7:] for key in got) == ["001.txt", "002.txt"]


def test_a_store_that_vanishes_midway_keeps_what_was_fetched(
    store: MemoryFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    get_file = MemoryFileSystem.get_file

    def vanishing(self: Any, key: str, *rest: Any, **more: Any) -> None:
        if key.endswith("labels/003.txt"):
            raise ConnectionError("the store is gone")
        get_file(self, key, *rest, **more)

    with monkeypatch.context() as patched:
        patched.setattr(MemoryFileSystem, "get_file", vanishing)
        with pytest.raises(
            BadInput, match=r"labels/003\.txt after 9 of 12 files: the store is gone.*is kept"
        ):
            fetch(URL, tmp_path / "out", Silent())
    assert len((tmp_path / "out" / "fetched.jsonl").read_text().splitlines()) == 9
    assert len(list(fetch(URL, tmp_path / "out", Silent()).rglob("*.*"))) == 12


def test_a_change_in_the_store_changes_what_the_dataset_is_made_from(store: MemoryFileSystem) -> None:
    before = source_digests(usecase_of(URL))
    assert source_digests(usecase_of(URL)) == before
    store.pipe_file("/store/raccoons/labels/002.txt", b"0 0.5 0.5 0.1 0.1")
    assert source_digests(usecase_of(URL)) != before


@pytest.mark.parametrize(
    ("url", "got"),
    [
        ("memory://nobody", "no files|FileNotFound"),
        ("nosuch://x/y", "nosuch"),
        ("s3://bucket/x", "no library|s3"),
    ],
)
def test_a_store_that_is_not_there_is_said_in_words(url: str, got: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=got):
        fetch(url, tmp_path, Silent())
