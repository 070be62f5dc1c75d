"""The base checkpoint: made from the use case's own cell, small, and with a card that says how."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trunnion_contract.errors import BadInput
from trunnion_contract.progress import Silent
from trunnion_contract.usecase import UseCase, load_usecase
from trunnion_training.vision.base import SEED, make_base_dataset, train_on
from trunnion_training.vision.checkpoint import load_model


def test_its_images_are_other_ones_than_the_use_case_is_tested_on(repository: Path) -> None:
    usecase = load_usecase(repository / "training" / "usecases" / "sorting_cell.yaml")
    assert usecase.data is not None
    assert all(source.seed != SEED for source in usecase.data.sources if source.kind == "simulation")


def test_rendered_images_train_a_checkpoint_with_a_card(repository: Path, tmp_path: Path) -> None:
    usecase = load_usecase(repository / "training" / "usecases" / "sorting_cell.yaml")
    record = make_base_dataset(usecase, tmp_path / "data", 8, SEED, Silent())
    assert sum(record.images.values()) == 8
    target = tmp_path / "base.pt"
    figures = train_on(tmp_path / "data", target, epochs=1, date="2026-01-02", work_dir=tmp_path / "work")
    assert target.stat().st_size < 6e6
    assert tuple(load_model(target).names.values()) == usecase.classes
    assert json.loads(target.with_suffix(".json").read_text())["images"] == figures.images
    card = target.with_suffix(".md").read_text()
    assert "2026-01-02" in card
    assert f"{figures.images['test']} held out" in card


def test_a_use_case_without_simulation_has_no_base_of_its_own(
    shapes: tuple[UseCase, Path], tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match="without a simulation source"):
        make_base_dataset(shapes[0], tmp_path, 12, SEED, Silent())
