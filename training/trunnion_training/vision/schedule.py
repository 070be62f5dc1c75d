"""How long and how hard to train, and the folder in which a training run goes on after a kill."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from trunnion_contract.files import digest_file, digest_json, write_text

# What each finished epoch came to: see `trunnion_training.vision.family.History`.
HISTORY = "history.json"
_MARKER = "recipe.sha256"


@dataclass(frozen=True)
class Schedule:
    """How long and how hard to train; `extra` are further settings of the family (augmentation, optimiser, ...)."""

    epochs: int
    batch: int
    image_size_px: int
    learning_rate: float
    seed: int
    frozen_layers: int = 0
    device: str = "cpu"
    workers: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict)


def history(work_dir: Path) -> Mapping[str, Sequence[float]]:
    """What the finished epochs of a training came to; nothing before the first."""
    file = work_dir / HISTORY
    return dict(json.loads(file.read_text())) if file.exists() else {}


def begin(work_dir: Path, start: str | Path, dataset_dir: Path, schedule: Schedule) -> None:
    """Make `work_dir` ready to be filled or continued; what another start, dataset or schedule left there goes."""
    beginning = digest_file(start) if isinstance(start, Path) else start
    images = digest_file(dataset_dir / "dataset.json")
    recipe = digest_json([beginning, images, asdict(schedule)])
    marker = work_dir / _MARKER
    if not marker.exists() or marker.read_text() != recipe:
        shutil.rmtree(work_dir, ignore_errors=True)
        write_text(marker, recipe)
