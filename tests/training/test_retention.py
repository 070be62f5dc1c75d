"""Retention: what is kept for too long is named before anything is deleted, and what is deleted is noted for good."""

from __future__ import annotations

import json
import shutil
import sqlite3
from datetime import date
from pathlib import Path

import pytest
from tests.training.shapes import PROVENANCE, make_usecase, yolo_folder

from trunnion_contract.errors import BadInput
from trunnion_contract.progress import Silent
from trunnion_contract.strict import parse
from trunnion_contract.usecase import UseCase
from trunnion_training.dataset import build
from trunnion_training.retention import (
    Expiry,
    check_record,
    delete_expired,
    find_expired,
    require_kept_in_time,
)

KEPT_UNTIL = date(2026, 12, 11)
AFTER = date(2026, 12, 12)
LIMITED = {**PROVENANCE, "acquired": "2026-12-01", "retention_days": 10}


@pytest.fixture
def usecase(tmp_path: Path) -> UseCase:
    """Two sources, one of which may be kept for ten days, and their dataset in `run/data`."""
    document = make_usecase(yolo_folder(tmp_path / "free", 6)).model_dump(by_alias=True, mode="json")
    limited = yolo_folder(tmp_path / "limited", 6, (80, 48))
    document["data"]["sources"].append({"kind": "yolo", "path": str(limited), "provenance": LIMITED})
    usecase = parse(UseCase, document, "use case")
    build(usecase, tmp_path / "run" / "data", Silent(), KEPT_UNTIL)
    (tmp_path / "run" / "train").mkdir()
    return usecase


def test_until_its_last_day_data_may_be_kept(usecase: UseCase, tmp_path: Path) -> None:
    assert not find_expired(usecase, tmp_path / "run", KEPT_UNTIL)
    require_kept_in_time(tmp_path / "run" / "data", KEPT_UNTIL)


def test_after_it_nothing_is_built_from_it_and_a_dataset_that_stands_is_refused(
    usecase: UseCase, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=r"data\.sources\.1.*retention ended on 2026-12-11"):
        build(usecase, tmp_path / "again", Silent(), AFTER)
    with pytest.raises(BadInput, match=r"6 file\(s\) whose retention has ended"):
        require_kept_in_time(tmp_path / "run" / "data", AFTER)


def test_looking_deletes_nothing_and_names_files_datasets_and_models(
    usecase: UseCase, tmp_path: Path
) -> None:
    expiry = find_expired(usecase, tmp_path / "run", AFTER)
    assert [path.parent.parent.name for path in expiry.originals] == ["limited"] * 6
    (dataset,) = expiry.datasets
    assert (dataset.folder, dataset.files) == (tmp_path / "run" / "data", 6)
    assert [folder.name for folder in expiry.models] == ["train"]
    assert all(path.exists() for path in (*expiry.originals, dataset.folder))


def test_deleting_takes_files_and_dataset_and_leaves_a_line(usecase: UseCase, tmp_path: Path) -> None:
    run = tmp_path / "run"
    traces = [
        run / "pictures.sqlite",
        run / "suspects" / "a.jpg",
        run / "train.detector" / "augmentation.html",
        run / "tune" / "trials" / "0000" / "train.detector" / "augmentation.html",
    ]
    for trace in traces:
        trace.parent.mkdir(parents=True, exist_ok=True)
        trace.write_text("of a picture")
    expiry = find_expired(usecase, run, AFTER)
    record = delete_expired(expiry, run, AFTER)
    assert not any(path.exists() for path in (*expiry.originals, run / "data", *traces))
    assert len(list((tmp_path / "free" / "images").iterdir())) == 6
    (line,) = [json.loads(text) for text in record.read_text().splitlines()]
    assert (len(line["files"]), line["datasets"][0]["digest"]) == (6, expiry.datasets[0].digest)
    assert not find_expired(usecase, tmp_path / "run", AFTER)


def test_a_deletion_that_was_cut_short_is_finished_by_the_next_with_what_was_never_finished(
    usecase: UseCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    for copy in (".data.part", "suspects"):
        shutil.copytree(run / "data", run / copy)
    with monkeypatch.context() as patched:
        # As when the process is killed: the inventory is gone first, and the pictures are still there.
        patched.setattr(shutil, "rmtree", lambda folder: (folder / "inventory.json").unlink())
        delete_expired(find_expired(usecase, run, AFTER), run, AFTER)
    assert {path.name for path in find_expired(usecase, run, AFTER).copies} == {".data.expired"}
    for copy in (".data.part", "suspects"):
        shutil.rmtree(run / copy)
    delete_expired(find_expired(usecase, run, AFTER), run, AFTER)
    assert not list(run.rglob("*.jpg"))


def test_a_damaged_inventory_is_named(usecase: UseCase, tmp_path: Path) -> None:
    (tmp_path / "run" / "data" / "inventory.json").write_text("{")
    with pytest.raises(BadInput, match=r"inventory\.json"):
        find_expired(usecase, tmp_path / "run", AFTER)


def test_a_line_that_was_changed_or_taken_out_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    for _ in range(3):
        record = delete_expired(Expiry(elsewhere=("s3://away",)), tmp_path / "run", AFTER)
    assert check_record(record) == 3
    lines = record.read_text().splitlines()
    for spoilt in ([lines[0].replace("away", "here"), *lines[1:]], [lines[0], lines[2]], [*lines, "{"]):
        record.write_text("\n".join(spoilt) + "\n")
        with pytest.raises(BadInput, match="does not follow"):
            check_record(record)


def test_single_files_expire_by_the_table(tmp_path: Path) -> None:
    source = yolo_folder(tmp_path / "source", 12)
    with sqlite3.connect(tmp_path / "plant.db") as plant:
        plant.execute("CREATE TABLE pictures (file, acquired, retention_days)")
        plant.execute("INSERT INTO pictures VALUES ('003.jpg', '2026-12-01', 10)")
    plant.close()
    document = make_usecase(source).model_dump(by_alias=True, mode="json")
    document["data"]["sources"][0]["metadata"] = {
        "url": f"sqlite:///{tmp_path}/plant.db", "query": "SELECT * FROM pictures"
    }  # fmt: skip
    usecase = parse(UseCase, document, "use case")
    build(usecase, tmp_path / "run" / "data", Silent(), KEPT_UNTIL)
    expiry = find_expired(usecase, tmp_path / "run", AFTER)
    assert [path.name for path in expiry.originals] == ["003.jpg"]
    assert [dataset.files for dataset in expiry.datasets] == [1]
