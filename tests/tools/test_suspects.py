"""`trunnion data suspects`: what it writes can be looked at and given to feedback; what it cannot judge is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from rich.console import Console
from tests.training.shapes import make_usecase, yolo_folder

from trunnion.feedback import read_verdicts
from trunnion.pipeline import Run
from trunnion.suspects import find_suspects
from trunnion_contract.errors import BadInput
from trunnion_contract.progress import Silent
from trunnion_edge.decode import Detections
from trunnion_edge.detector import Detector
from trunnion_training.dataset import build

QUIET = Console(quiet=True)


class Sees:
    """In place of a network: one gear in the same place of every image."""

    def __enter__(self) -> Sees:
        return self

    def __exit__(self, *exception: object) -> None: ...

    def detect(self, image: object) -> Detections:
        box = np.array([[40, 30, 60, 46]], np.float32)
        return Detections(box, np.array([0.9], np.float32), np.zeros(1, np.int64))


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Run]:
    """Makes a run with a dataset of the given classes."""

    def make(classes: tuple[str, ...] = ("gear",), labels: bool = True) -> Run:
        source = yolo_folder(tmp_path / "source", 12)
        for file in source.glob("labels/*") if not labels else ():
            file.write_text("")
        usecase = make_usecase(source).model_copy(update={"classes": classes})
        run = Run(usecase, tmp_path / "runs" / "shapes")
        build(usecase, run.stage("data"), Silent())
        return run

    return make


def test_what_it_writes_is_looked_at_and_given_to_feedback(
    make_run: Callable[..., Run],
    tmp_path: Path,
    write_small_bundle: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run, out = make_run(), tmp_path / "out"
    digest = json.loads((run.stage("data") / "dataset.json").read_text())["digest"]
    bundle = write_small_bundle(dataset_digest=digest)
    monkeypatch.setattr(Detector, "from_model", lambda *model, **settings: Sees())
    assert find_suspects(QUIET, run, bundle, None, out) == 0
    written = json.loads((out / "suspects.json").read_text())
    assert written["judged"] == 6
    assert "did not learn from" in written["judged_by"]
    assert {one["file"].split("/")[1] for one in written["suspects"]} == {"val", "test"}
    assert sum(written["counts"].values()) == len(written["suspects"]) == 12
    assert (out / "suspects.html").read_text().count("data:image/jpeg") == 12
    verdicts = read_verdicts(out / "verdicts.json", run.usecase.classes)
    assert {verdict.verdict for verdict in verdicts} == {"not_sure"}
    assert all(cv2.imread(str(out / verdict.image)) is not None for verdict in verdicts)


def test_what_cannot_be_judged_is_said(
    make_run: Callable[..., Run], tmp_path: Path, small_bundle: Path
) -> None:
    with pytest.raises(BadInput, match="no dataset"):
        find_suspects(QUIET, Run(make_usecase(tmp_path), tmp_path / "nowhere"), None, None, tmp_path)
    with pytest.raises(BadInput, match="no model"):
        find_suspects(QUIET, make_run(), None, None, tmp_path)
    with pytest.raises(BadInput, match="a detector of gear"):
        find_suspects(QUIET, make_run(("disc", "bar")), small_bundle, None, tmp_path)
    with pytest.raises(BadInput, match="without a single label"):
        find_suspects(QUIET, make_run(labels=False), small_bundle, None, tmp_path)
    assert not (tmp_path / "suspects.json").exists()
