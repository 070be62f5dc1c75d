"""What the tests of training share: a small dataset, a detector trained on it, and an environment with an expert.

Imports stand inside the fixtures: OpenCV changes the library path, which tests/conftest.py looks at first.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from trunnion_contract.progress import Silent

if TYPE_CHECKING:
    from trunnion_contract.usecase import UseCase


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> tuple[UseCase, Path]:
    """A small use case and its dataset."""
    from tests.training.shapes import make_usecase, yolo_folder

    from trunnion_training.dataset import build

    root = tmp_path_factory.mktemp("shapes")
    usecase = make_usecase(yolo_folder(root / "source", 12))
    build(usecase, root / "data", Silent())
    return usecase, root / "data"


@pytest.fixture(scope="session")
def trained(shapes: tuple[UseCase, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a detector that trained for one epoch."""
    from trunnion_training.vision.finetune import fine_tune

    usecase, dataset_dir = shapes
    train_dir = tmp_path_factory.mktemp("train")
    fine_tune(usecase, dataset_dir, train_dir, Silent())
    return train_dir


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Small layers on several threads wait for each other for most of the time on a busy machine."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def point_cell(monkeypatch: pytest.MonkeyPatch) -> str:
    """The package that registers a small environment with an expert; worker processes find it too."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return "point_cell"


@pytest.fixture
def goal_line(monkeypatch: pytest.MonkeyPatch) -> str:
    """The package that registers small environments with goals; worker processes find it too."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    importlib.import_module("goal_line")
    return "goal_line"


@pytest.fixture
def usecase_of() -> Callable[..., UseCase]:
    """A use case of a policy alone: its settings, and gates."""
    from tests.training.reinforced import usecase_with

    return usecase_with
