"""Ultralytics checkpoints as files to keep: half-precision weights and nothing of the machine that trained them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trunnion_contract.errors import BadInput
from trunnion_contract.files import whole_file
from trunnion_training.vision.ultralytics_setup import load_ultralytics

if TYPE_CHECKING:
    from ultralytics.nn.tasks import DetectionModel

# Networks that find boxes, and what else they find; others (turned boxes, open vocabularies) have other outputs.
_TASKS = {"DetectionModel": "detect", "SegmentationModel": "segment", "PoseModel": "pose"}


def strip(source: Path, target: Path, image_size_px: int, date: str = "") -> None:
    """Write `source` without optimiser, history, paths and times, its weights as float16."""
    import torch

    model = load_model(source)
    size = {"imgsz": image_size_px, "task": model.task}
    model.args, model.pt_path, model.criterion = size, None, None
    model.half().requires_grad_(False)
    content = {
        "epoch": -1, "model": model, "ema": None, "optimizer": None, "train_args": size, "date": date,
        "version": load_ultralytics().__version__, "license": "AGPL-3.0 (https://ultralytics.com/license)",
    }  # fmt: skip
    with whole_file(target) as temporary, temporary.open("wb") as file:
        torch.save(content, file)


def load_model(path: Path) -> DetectionModel:
    """Load the network of a checkpoint, in float32 and in evaluation mode.

    Raises:
        BadInput: the file is absent, damaged, or no ultralytics network that finds boxes.
    """
    load_ultralytics()
    from ultralytics.nn.tasks import load_checkpoint

    try:
        model, _ = load_checkpoint(path)
    except Exception as error:  # whatever a broken pickle raises
        raise _refused(path, f"a file that does not load ({type(error).__name__})") from None
    kind = type(model).__name__
    if kind not in _TASKS:
        raise _refused(path, f"a {kind}")
    model.task = _TASKS[kind]
    return model


def _refused(path: Path, got: str) -> BadInput:
    return BadInput(
        where=str(path), got=got,
        wanted="an ultralytics detection checkpoint (*.pt), or one that also finds masks or keypoints",
        next_step="name another checkpoint in models.detector.base, or make one with trunnion train base",
    )  # fmt: skip
