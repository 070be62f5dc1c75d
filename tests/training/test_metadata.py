"""Tables of owners, consent, scenes and times: joined to files by name, checked, and without secrets in files."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from tests.training.shapes import PROVENANCE, make_usecase, yolo_folder

from trunnion_contract.errors import BadInput
from trunnion_contract.progress import Silent
from trunnion_contract.strict import parse
from trunnion_contract.usecase import UseCase
from trunnion_training.dataset import build

QUERY = "SELECT file, owner, consent, line AS scene, taken AS recorded FROM pictures"


def usecase_with(root: Path, query: str = QUERY, by: str = "scene", **metadata: Any) -> UseCase:
    """Twelve pictures of four lines, taken a day apart, and a database that says so."""
    source = yolo_folder(root / "source", 12)
    database = root / "plant.db"
    database.unlink(missing_ok=True)
    with sqlite3.connect(database) as plant:
        plant.execute("CREATE TABLE pictures (file, owner, consent, line, taken, secret)")
        rows = [
            (f"{i:03d}.jpg", f"plant {i % 2}", "signed", f"line {i // 3}", f"2026-03-{i + 1:02d}", 1)
            for i in range(12)
        ]
        plant.executemany("INSERT INTO pictures VALUES (?, ?, ?, ?, ?, ?)", rows[:-1])
    plant.close()
    document = make_usecase(source).model_dump(by_alias=True, mode="json")
    metadata = {"url": f"sqlite:///{database}", **metadata}
    document["data"]["sources"] = [
        {
            "kind": "yolo",
            "path": str(source),
            "provenance": PROVENANCE,
            "metadata": {"query": query, **metadata},
        }
    ]
    document["data"]["split"]["by"] = by
    return parse(UseCase, document, "use case")


def test_scenes_of_the_table_are_not_divided_and_files_without_a_row_are_listed(tmp_path: Path) -> None:
    record = build(usecase_with(tmp_path), tmp_path / "data", Silent())
    assert record.findings == {"image without metadata": 1}
    held = {
        split: {int(path.stem[:3]) // 3 for path in (tmp_path / "data" / "images" / split).iterdir()}
        for split in record.images
    }
    assert sum(len(lines - {3}) for lines in held.values()) == 3


def test_the_newest_images_are_the_test(tmp_path: Path) -> None:
    usecase = usecase_with(
        tmp_path, f"{QUERY} UNION SELECT '011.jpg', 'plant', 'signed', 'line 3', '2026-03-12'", "time"
    )
    build(usecase, tmp_path / "data", Silent())
    held = {
        split: sorted(int(path.stem[:3]) for path in (tmp_path / "data" / "images" / split).iterdir())
        for split in ("train", "val", "test")
    }
    assert held == {"train": list(range(6)), "val": [6, 7, 8], "test": [9, 10, 11]}


def test_an_image_without_a_time_cannot_be_split_by_it(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"011\.jpg, which does not say when"):
        build(usecase_with(tmp_path, by="time"), tmp_path / "data", Silent())


def test_the_inventory_says_whose_each_file_is(tmp_path: Path) -> None:
    build(usecase_with(tmp_path), tmp_path / "data", Silent())
    files = json.loads((tmp_path / "data" / "inventory.json").read_text())["files"]
    assert {row.get("provenance", {}).get("owner") for row in files} == {"plant 0", "plant 1", None}


@pytest.mark.parametrize(
    ("query", "got"),
    [
        ("SELECT * FROM pictures", "column 'line'"),
        ("SELECT owner FROM pictures", "file"),
        ("SELECT file, 'perhaps' AS personal_data FROM pictures", "personal_data"),
        ("SELECT file, missing FROM pictures", "no such column"),
        ("SELECT '001.jpg' AS file, 'a' AS owner UNION SELECT '001.jpg', 'b'", "two rows that differ"),
    ],
)
def test_a_query_that_does_not_answer_is_refused(tmp_path: Path, query: str, got: str) -> None:
    with pytest.raises(BadInput, match=got):
        build(usecase_with(tmp_path, query), tmp_path / "data", Silent())


@pytest.mark.parametrize("url", ["oracle://plant/db", "plant://plant/db"])
def test_a_database_without_a_driver_here_is_named(tmp_path: Path, url: str) -> None:
    with pytest.raises(BadInput, match=f"no driver for {url.partition(':')[0]}"):
        build(usecase_with(tmp_path, url=url), tmp_path / "data", Silent())


def test_a_password_is_read_from_the_environment_and_never_from_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadInput, match="a url with a password") as caught:
        build(usecase_with(tmp_path, url="postgresql://me:hunter2@plant/db"), tmp_path / "data", Silent())
    assert "hunter2" not in str(caught.value)
    usecase = usecase_with(tmp_path, url=None, url_env="PLANT_DB")
    with pytest.raises(BadInput, match="no environment variable PLANT_DB"):
        build(usecase, tmp_path / "data", Silent())
    monkeypatch.setenv("PLANT_DB", f"sqlite:///{tmp_path}/plant.db")
    assert build(usecase, tmp_path / "data", Silent()).images["test"]
