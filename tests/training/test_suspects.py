"""Labels that a detector disagrees with: planted errors come first, judged only by who has not learnt from them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.training.shapes import CLASSES

from trunnion_contract.dataset import Dataset
from trunnion_contract.errors import BadInput
from trunnion_contract.progress import Silent
from trunnion_contract.strict import read_json
from trunnion_contract.usecase import UseCase
from trunnion_edge.accuracy import TrueBoxes
from trunnion_edge.decode import Detections
from trunnion_training.quality import folds
from trunnion_training.quality.folds import assign_folds, seen_by_others
from trunnion_training.quality.suspects import Judged, Suspect, suspects
from trunnion_training.quality.unseen import unseen

Row = tuple[list[float], int]


def scene(rng: np.random.Generator) -> list[Row]:
    """Up to four objects, each in a quarter of its own."""
    rows = []
    for x, y in [(0, 0), (100, 0), (0, 100), (100, 100)][: rng.integers(1, 5)]:
        corner, size = rng.uniform(5, 25, 2) + np.array((x, y)), rng.uniform(30, 60, 2)
        rows.append(([*corner, *(corner + size)], int(rng.integers(2))))
    return rows


def seen_in(rows: list[Row], rng: np.random.Generator) -> Detections:
    """What a fair detector sees: boxes a little off, some unsure or overlooked, and sometimes what is not there."""
    found = [
        (
            [value + rng.normal(0, 1.5) for value in box],
            kind,
            rng.uniform(*(0.5, 0.98) if sure else (0.02, 0.4)),
        )
        for box, kind in rows
        if (sure := rng.random() > 0.05) or rng.random() > 0.1
    ]
    if rng.random() < 0.3:
        x, y = rng.uniform(0, 150, 2)
        found.append(([x, y, x + 25, y + 25], int(rng.integers(2)), rng.uniform(0.01, 0.45)))
    boxes = np.array([box for box, _, _ in found], np.float32).reshape(-1, 4)
    scores = np.array([score for *_, score in found], np.float32)
    return Detections(boxes, scores, np.array([kind for _, kind, _ in found], np.int64))


def harmed(rows: list[Row], how: str, rng: np.random.Generator) -> list[Row]:
    (box, kind), *others = rows
    if how == "missed object":
        return others
    if how == "wrong class":
        return [(box, 1 - kind), *others]
    if how == "badly placed box":
        shift = 0.45 * (box[2] - box[0])
        return [([box[0] + shift, box[1], box[2] + shift, box[3]], kind), *others]
    return [*rows, ([210.0, 20.0, 250.0, 60.0], kind)]


def judged(file: str, rows: list[Row], seen: Detections) -> Judged:
    boxes = np.array([box for box, _ in rows], np.float32).reshape(-1, 4)
    return Judged(file, TrueBoxes(boxes, np.array([kind for _, kind in rows], np.int64)), seen)


def test_four_of_five_planted_errors_are_among_as_many_first() -> None:
    rng = np.random.default_rng(1)
    kinds = ("missed object", "wrong class", "badly placed box", "spurious label")
    images, planted = [], {}
    for number in range(400):
        rows, file = scene(rng), f"{number}.jpg"
        seen = seen_in(rows, rng)
        if number % 8 == 0:
            planted[file] = kinds[number // 8 % 4]
            rows = harmed(rows, planted[file], rng)
        images.append(judged(file, rows, seen))
    first = suspects(images, CLASSES, sure=0.5)[: len(planted)]
    hits = [one for one in first if planted.get(one.file) == one.kind]
    assert len(hits) >= 0.8 * len(planted)
    assert {one.kind for one in hits} == set(kinds)


def test_a_detector_that_overlooks_much_accuses_no_label_loudly() -> None:
    nothing = Detections(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.int64))
    blind = [judged(f"{number}.jpg", [([10, 10, 40, 40], 0)], nothing) for number in range(10)]
    assert max(one.score for one in suspects(blind, CLASSES, sure=0.5)) < 0.05
    assert suspects([judged("empty.jpg", [], nothing)], CLASSES, sure=0.5) == []


def test_a_suspect_says_what_stands_there_and_what_is_seen() -> None:
    sees = Detections(
        np.array([[10, 10, 40, 40]], np.float32), np.array([0.9], np.float32), np.array([1], np.int64)
    )
    agreed = judged("a.jpg", [([10, 10, 40, 40], 1)], sees)
    images = [agreed] * 99 + [judged("b.jpg", [([10, 10, 40, 40], 0)], sees)]
    (one,) = suspects(images, CLASSES, sure=0.5)
    assert 0.6 < one.score < 0.9
    assert one == Suspect(
        "b.jpg", "wrong class", one.score, 0, "disc", (10, 10, 40, 40), "bar", (10, 10, 40, 40), 0.9
    )


def test_a_model_judges_only_what_it_has_not_learnt_from_or_says_that_nobody_knows(
    shapes: tuple[UseCase, Path], tmp_path: Path
) -> None:
    _, folder = shapes
    dataset = read_json(Dataset, folder / "dataset.json")
    own = unseen(folder, dataset, dataset.digest, tmp_path)
    assert {file.split("/")[1] for file in own.files} == {"val", "test"}
    unknown = unseen(folder, dataset, None, tmp_path)
    assert len(unknown.files) == 12
    assert "NOT KNOWN" in unknown.known_by
    kept = shutil.copytree(folder, tmp_path / ("e" * 16))
    assert len(unseen(folder, dataset, "e" * 64, tmp_path).files) == 6
    rows = (
        (kept / "inventory.json")
        .read_text()
        .replace("images/val", "images/train")
        .replace("images/test", "images/train")
    )
    (kept / "inventory.json").write_text(rows)
    with pytest.raises(BadInput, match="learnt from every image"):
        unseen(folder, dataset, "e" * 64, tmp_path)


def test_folds_keep_scenes_whole_and_refuse_what_cannot_be_divided() -> None:
    rows = [{"file": f"images/train/{number}.jpg", "scene": f"{number // 3}"} for number in range(30)]
    of_file = assign_folds(rows, 3, "here")
    assert all(
        len({of_file[row["file"]] for row in rows if row["scene"] == scene}) == 1 for scene in "0123456789"
    )
    assert sorted(np.bincount(list(of_file.values()))) == [9, 9, 12]
    with pytest.raises(BadInput, match="10 scenes"):
        assign_folds(rows, 11, "here")
    with pytest.raises(BadInput, match="without scenes"):
        assign_folds([{"file": "a"}], 3, "here")


class Learner:
    """In place of a family of detectors: writes down what it was given to learn from."""

    def __init__(self) -> None:
        self.learnt: list[set[str]] = []

    def train(self, usecase: UseCase, data: Path, work: Path, checkpoint: Path, progress: Silent) -> None:
        self.learnt.append({path.name for path in data.glob("images/*/*.jpg")})
        assert not {path.name for path in data.glob("images/train/*")} & {
            path.name for path in data.glob("images/val/*")
        }
        assert all(
            (data / "labels" / path.parent.name / f"{path.stem}.txt").is_file()
            for path in data.glob("images/*/*")
        )

    def load(self, checkpoint: Path, form: object) -> Learner:
        return self

    spec = None


def test_no_image_is_judged_by_a_detector_that_learnt_from_it_and_finished_folds_stay(
    shapes: tuple[UseCase, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usecase, folder = shapes
    learner, judged_by = Learner(), {}

    def look(
        engine: object, spec: object, files: list[Path], progress: Silent
    ) -> tuple[list[Detections], list[TrueBoxes]]:
        judged_by.update({file.name: learner.learnt[-1] for file in files})
        one = Detections(
            np.array([[1, 2, 3, 4]], np.float32), np.array([0.5], np.float32), np.array([1], np.int64)
        )
        return [one] * len(files), []

    monkeypatch.setattr(folds, "family_of", lambda usecase: learner)
    monkeypatch.setattr(folds, "TorchEngine", lambda trained: trained)
    monkeypatch.setattr(folds, "detect_all", look)
    seen = dict(seen_by_others(usecase, folder, tmp_path, 3, Silent()))
    assert len(seen) == len(judged_by) == 12
    assert all(name not in learnt for name, learnt in judged_by.items())
    assert seen[next(iter(seen))].class_ids.tolist() == [1]
    dict(seen_by_others(usecase, folder, tmp_path, 3, Silent()))
    assert len(learner.learnt) == 3
    assert json.loads(next(tmp_path.glob("*-0/seen.json")).read_text())
