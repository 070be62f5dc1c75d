"""What a second worker brings: each has one core and one thread, on a Ray of this machine's own."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from trunnion.bench.measure import Row, spread
from trunnion_contract.bundle import Bundle
from trunnion_contract.cell import CellLayout
from trunnion_contract.progress import Silent
from trunnion_contract.training_workers import Workers
from trunnion_contract.usecase import UseCase
from trunnion_contract.workers import HERE, RAY_ADDRESS

if TYPE_CHECKING:
    from trunnion_training.cluster.share import Share

_ARCHITECTURE, _SIZE_PX, _BATCH = "ssdlite320_mobilenet_v3_large", 320, 16
_IMAGES, _EPOCHS = 64, 4
_SCENES, _TURNS = 30, 5
_PROVENANCE = {"origin": "bench", "licence": "Apache-2.0", "personal_data": "none"}


def rows(bundle: Bundle) -> list[Row]:
    """`cluster.*`, on pictures of the cell of the bundle."""
    from trunnion_training.cluster.engine import engine

    if not bundle.model.cell:
        return []
    with TemporaryDirectory(prefix="trunnion-bench-") as folder, _a_ray_of_our_own(), engine(2):
        return [synthesis(bundle.model.cell, Path(folder)), ddp(bundle.model.cell, Path(folder))]


@contextmanager
def _a_ray_of_our_own() -> Iterator[None]:
    before = os.environ.get(RAY_ADDRESS)
    os.environ[RAY_ADDRESS] = HERE
    try:
        yield
    finally:
        if before is None:
            del os.environ[RAY_ADDRESS]
        else:
            os.environ[RAY_ADDRESS] = before


def synthesis(cell: CellLayout, folder: Path) -> Row:
    """How many times as fast two workers render; they take turns with one, after both have warmed up."""
    seconds: dict[int, list[float]] = {1: [], 2: []}
    for turn in range(_TURNS):
        for count in (1, 2):
            seconds[count].append(_rendering_s(cell, count, folder / f"scenes-{turn}-{count}"))
    ratios = [one / two for one, two in zip(seconds[1], seconds[2], strict=True)]
    return _speedup("cluster.synthesis.speedup", ratios, f"one worker, {_SCENES} scenes a turn")


def _rendering_s(cell: CellLayout, count: int, folder: Path) -> float:
    import cv2

    from trunnion_contract.workers import worker_pool
    from trunnion_sim.synth import SceneJob, render_scene

    folder.mkdir()
    jobs = [SceneJob(number, 2, 7, folder, cell) for number in range(_SCENES + 4)]
    with worker_pool(count, cv2.setNumThreads, 1) as pool:
        list(pool.map(render_scene, jobs[:4]))
        began_s = time.perf_counter()
        list(pool.map(render_scene, jobs[4:]))
        return time.perf_counter() - began_s


def ddp(cell: CellLayout, folder: Path) -> Row:
    """How many times as many images two workers learn from in a second, each step of as many images as one's."""
    from trunnion_training.dataset import build

    usecase = _usecase(cell)
    build(usecase, folder / "data", Silent())
    seconds = {count: _steps_s(usecase, count, folder) for count in (1, 2)}
    ratios = [one / two for one, two in zip(seconds[1], seconds[2], strict=True)]
    against = f"one worker, {_ARCHITECTURE} at {_SIZE_PX} px, batches of {_BATCH}, images/s"
    return _speedup("cluster.ddp.speedup", ratios, against)


def _usecase(cell: CellLayout) -> UseCase:
    source = {"kind": "simulation", "images": _IMAGES, "seed": 7, "provenance": _PROVENANCE}
    detector = {
        "base": f"torchvision:{_ARCHITECTURE}", "image_size_px": _SIZE_PX, "epochs": _EPOCHS, "batch": _BATCH,
    }  # fmt: skip
    return UseCase.model_validate(
        {
            "schema": 1, "name": "bench", "version": "0.0.0", "problem": "How fast is it?",
            "classes": tuple(cell.part_heights_m), "cell": cell.model_dump(mode="json"),
            "data": {"sources": [source], "split": {"train": 0.75, "val": 0.125, "test": 0.125}},
            "models": {"detector": detector},
        }
    )  # fmt: skip


def _steps_s(usecase: UseCase, count: int, folder: Path) -> list[float]:
    """Seconds of each step but those of the first epoch."""
    from trunnion_training.cluster.together import learn_together

    work_dir = folder / f"workers-{count}"
    work_dir.mkdir()
    learn = partial(learn_timed, usecase, folder / "data", work_dir)
    learn_together(learn, Workers(count=count), work_dir, lambda: (0, ""), _EPOCHS, Silent())
    times_s: list[float] = json.loads((work_dir / "times.json").read_text())
    steps_s = [after - before for before, after in pairwise(times_s)]
    return steps_s[len(times_s) // _EPOCHS :]


def learn_timed(usecase: UseCase, dataset_dir: Path, work_dir: Path, share: Share) -> None:
    """One worker's share of a training that is not validated; the first one writes when each step ended."""
    from trunnion_training.vision.schedule import Schedule
    from trunnion_training.vision.torchvision_network import ARCHITECTURES, build
    from trunnion_training.vision.torchvision_training import TrainingRun

    architecture, clock = ARCHITECTURES[_ARCHITECTURE], _Clock()
    schedule = Schedule(_EPOCHS, _BATCH, _SIZE_PX, learning_rate=1e-3, seed=0)
    model = build(architecture, len(usecase.classes), _SIZE_PX)
    run = TrainingRun(model, architecture, dataset_dir, work_dir, schedule, share)
    run.train(lambda: (0.0, 0.0), lambda: None, clock)
    if share.leads:
        (work_dir / "times.json").write_text(json.dumps(clock.times_s))


class _Clock(Silent):
    """Progress that writes down when a step ends."""

    def __init__(self) -> None:
        self.times_s: list[float] = []

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.times_s.append(time.perf_counter())


def _speedup(name: str, ratios: list[float], against: str) -> Row:
    return Row(name, round(median(ratios), 3), "ratio", against, len(ratios), round(spread(ratios), 3))
