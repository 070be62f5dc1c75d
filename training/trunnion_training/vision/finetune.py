"""Fine-tuning: from a base checkpoint to a detector of the use case's own classes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from trunnion_contract.errors import BadInput
from trunnion_contract.files import write_json
from trunnion_contract.progress import Progress
from trunnion_contract.usecase import DetectorTraining, UseCase
from trunnion_training.curves import draw_curves
from trunnion_training.vision.checkpoint import load_model, strip
from trunnion_training.vision.evaluate import evaluate
from trunnion_training.vision.torch_engine import detector_spec, open_checkpoint
from trunnion_training.vision.training_run import HISTORY, Schedule, train
from trunnion_training.vision.ultralytics_setup import load_ultralytics

CHECKPOINT, METRICS, CURVES = "detector.pt", "detector_metrics.json", "detector_curves.png"
_WORK = ".detector"
# A short fine-tuning on images like those to come: no mosaics, and a warm-up that ends within the first epoch.
_AUGMENTATION = {
    "optimizer": "AdamW",
    "momentum": 0.9,
    "cos_lr": True,
    "lrf": 0.05,
    "warmup_epochs": 0.3,
    "warmup_bias_lr": 0.0,
    "mosaic": 0.0,
    "scale": 0.2,
    "translate": 0.1,
    "fliplr": 0.5,
    "hsv_h": 0.015,
    "hsv_s": 0.5,
    "hsv_v": 0.4,
}


def fine_tune(usecase: UseCase, dataset_dir: Path, out_dir: Path, progress: Progress) -> Path:
    """Train the use case's detector; write checkpoint, metrics and curves; give the checkpoint's path.

    Stopped at any moment, the same call goes on after the last whole epoch.

    Raises:
        BadInput: there is no detector to train, or its base is missing or unusable.
    """
    settings = _settings(usecase)
    start = starting_point(usecase)
    best = train(start, dataset_dir / "data.yaml", out_dir / _WORK, _schedule(settings), progress)
    checkpoint = out_dir / CHECKPOINT
    strip(best, checkpoint, settings.image_size_px)
    spec = detector_spec(settings.image_size_px, usecase.classes, settings.confidence_threshold)
    test = evaluate(open_checkpoint(checkpoint, spec), spec, dataset_dir, "test", progress)
    history = json.loads((out_dir / _WORK / HISTORY).read_text())
    draw_curves(_panels(history), out_dir / CURVES)
    metrics = {"base": settings.base, "epochs": settings.epochs, "test": test.model_dump(mode="json")}
    write_json(out_dir / METRICS, metrics | {"history": history})
    shutil.rmtree(out_dir / _WORK, ignore_errors=True)
    return checkpoint


def starting_point(usecase: UseCase) -> Path | str:
    """The checkpoint that training starts from: a file beside the use case, or an architecture of ultralytics.

    Nothing is downloaded. An architecture (`yolo26n.yaml`) starts from random weights.

    Raises:
        BadInput: there is no such file, or it is no detector.
    """
    base = _settings(usecase).base
    path = usecase.beside(base)
    if path.is_file():
        load_model(path)
        return path
    if base.endswith((".yaml", ".yml")) and "/" not in base and _is_architecture(base):
        return base
    raise BadInput(
        where=f"{usecase.name}: models.detector.base",
        got=f"{base}, which does not exist",
        wanted="an ultralytics checkpoint (*.pt; relative paths start at the use case's own folder)",
        next_step="make one with trunnion train base, or put one there; nothing is downloaded",
    )


def _settings(usecase: UseCase) -> DetectorTraining:
    if usecase.models.detector is None:
        raise BadInput(
            where=f"{usecase.name}: models", got="no detector", wanted="one", next_step="add models.detector"
        )
    return usecase.models.detector


def _schedule(settings: DetectorTraining) -> Schedule:
    return Schedule(
        epochs=settings.epochs,
        batch=settings.batch,
        image_size_px=settings.image_size_px,
        learning_rate=settings.learning_rate,
        seed=settings.seed,
        frozen_layers=settings.frozen_layers,
        extra={**_AUGMENTATION, "close_mosaic": 0, "patience": settings.epochs + 1},
    )


def _panels(history: dict[str, list[float]]) -> dict[str, dict[str, list[float]]]:
    losses = {name: values for name, values in history.items() if name.endswith("_loss")}
    accuracy = {
        "mAP50": history.get("metrics/mAP50(B)", []),
        "mAP50-95": history.get("metrics/mAP50-95(B)", []),
    }
    return {"loss": losses, "accuracy on the validation split": accuracy}


def _is_architecture(name: str) -> bool:
    load_ultralytics()
    from ultralytics.nn.tasks import yaml_model_load

    try:
        return "head" in yaml_model_load(name)
    except (OSError, ValueError):
        return False
