"""Networks that never learnt anything, in checkpoints such as training leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from trunnion_training.vision.ultralytics_setup import load_ultralytics

NAMES = {0: "disc", 1: "bar"}


def untrained_ultralytics(
    architecture: str,
    target: Path,
    *,
    names: dict[int, str] = NAMES,
    channels: int = 3,
    points: tuple[int, int] = (17, 3),
    kpt_names: dict[int, list[str]] | None = None,
) -> None:
    """Write a checkpoint of an architecture of ultralytics."""
    load_ultralytics()
    from ultralytics.nn import tasks

    torch.manual_seed(0)
    common: dict[str, Any] = {"ch": channels, "nc": len(names), "verbose": False}
    if "-seg" in architecture:
        model = tasks.SegmentationModel(architecture, **common)
    elif "-pose" in architecture:
        model = tasks.PoseModel(architecture, data_kpt_shape=points, **common)
    elif "-obb" in architecture:
        model = tasks.OBBModel(architecture, **common)
    else:
        model = tasks.DetectionModel(architecture, **common)
    model.names = dict(names)
    if kpt_names:
        model.kpt_names = kpt_names
    awaken(model, channels)
    torch.save({"model": model, "train_args": {}}, target)


def awaken(network: torch.nn.Module, channels: int = 3) -> None:
    """Let normalisation learn what dark images look like, without which nothing reaches the end of the network."""
    layers = [layer for layer in network.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = None
    with torch.no_grad():
        network.train()(0.4 * torch.rand(8, channels, 64, 64))
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    network.eval()
