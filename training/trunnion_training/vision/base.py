"""The base checkpoint: what fine-tuning starts from, made from randomised simulation alone, in about a quarter
of an hour on two cores.

Two halves: `make_base_dataset` needs a simulator and no GPU, `train_on` needs a GPU and no simulator, and either can
run on a machine that lacks the other half.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trunnion_contract.errors import BadInput
from trunnion_contract.files import write_json, write_text
from trunnion_contract.progress import Progress, Silent
from trunnion_training.vision.checkpoint import strip
from trunnion_training.vision.schedule import Schedule
from trunnion_training.vision.training_run import train
from trunnion_training.vision.ultralytics_setup import load_ultralytics

if TYPE_CHECKING:
    from trunnion_contract.dataset import Dataset
    from trunnion_contract.usecase import UseCase

IMAGE_SIZE_PX = 320
ARCHITECTURE = "yolo26n.yaml"
IMAGES, EPOCHS = 2600, 8
# The use case's own images have other seeds, so its test images stay unseen.
SEED = 20_000_000
# Every picture has the camera's own shape: padding it to a square would cost a fifth of the time. Parts lie in any
# direction already, so pictures are flipped and not turned, and colours are kept doubtful.
_AUGMENTATION: Mapping[str, object] = {
    "optimizer": "AdamW",
    "momentum": 0.9,
    "cos_lr": True,
    "lrf": 0.02,
    "warmup_epochs": 1.0,
    "warmup_bias_lr": 0.0,
    "patience": 10_000,
    "rect": True,
    "mosaic": 0.0,
    "close_mosaic": 0,
    "flipud": 0.5,
    "fliplr": 0.5,
    "scale": 0.2,
    "translate": 0.1,
    "hsv_h": 0.03,
    "hsv_s": 0.6,
    "hsv_v": 0.4,
    "cache": "ram",
}


@dataclass(frozen=True)
class BaseFigures:
    """What the model card says of a base checkpoint; the accuracy is on the `test` images, never trained on."""

    classes: tuple[str, ...]
    images: Mapping[str, int]
    epochs: int
    image_size_px: int
    hardware: str
    minutes: float
    map50: float
    map50_95: float
    made_with: Mapping[str, str]
    date: str


def train_base(
    usecase: UseCase, out_file: Path, *, images: int = IMAGES, epochs: int = EPOCHS, device: str = "cpu",
    seed: int = SEED, date: str = "", work_dir: Path, progress: Progress,
) -> BaseFigures:  # fmt: skip
    """Synthesise, train, strip and write the checkpoint with its model card; goes on in `work_dir` after a kill."""
    make_base_dataset(usecase, work_dir / "data", images, seed, progress)
    return train_on(
        work_dir / "data", out_file, epochs=epochs, device=device, seed=seed % 1000, date=date,
        work_dir=work_dir / "train", progress=progress,
    )  # fmt: skip


def make_base_dataset(usecase: UseCase, out_dir: Path, images: int, seed: int, progress: Progress) -> Dataset:
    """Render the images that the base checkpoint learns from: the use case's cell, other seeds."""
    from trunnion_contract.data_sources import Data, SimulationImages, Split
    from trunnion_training.dataset import build

    provenance = next(
        (
            source.provenance
            for source in (usecase.data.sources if usecase.data else ())
            if source.kind == "simulation"
        ),
        None,
    )
    if provenance is None:
        raise BadInput(
            where=usecase.name, got="a use case without a simulation source", wanted="data.sources of kind simulation",
            next_step="name a use case with a simulated cell",
        )  # fmt: skip
    source = SimulationImages(kind="simulation", images=images, seed=seed, provenance=provenance)
    data = Data(sources=(source,), split=Split(train=0.85, val=0.05, test=0.10, seed=seed))
    return build(usecase.model_copy(update={"data": data}), out_dir, progress)


def train_on(
    dataset_dir: Path, out_file: Path, *, epochs: int = EPOCHS, device: str = "cpu", batch: int = 16, seed: int = 0,
    workers: int = 0, date: str = "", work_dir: Path, progress: Progress | None = None,
) -> BaseFigures:  # fmt: skip
    """Train from random weights on a dataset folder; write checkpoint, figures (`.json`) and model card (`.md`).

    Needs torch and ultralytics, and neither simulator nor robot runtime. `device` is "cpu" or a GPU's number.
    """
    load_ultralytics()
    started_s = time.monotonic()
    schedule = Schedule(
        epochs=epochs, batch=batch, image_size_px=IMAGE_SIZE_PX, learning_rate=2e-3, seed=seed, device=device,
        workers=workers, extra=_AUGMENTATION,
    )  # fmt: skip
    best = train(ARCHITECTURE, dataset_dir / "data.yaml", work_dir, schedule, progress or Silent())
    strip(best, out_file, IMAGE_SIZE_PX, date)
    figures = _figures(out_file, dataset_dir, schedule, (time.monotonic() - started_s) / 60, date, work_dir)
    write_json(out_file.with_suffix(".json"), asdict(figures))
    write_text(out_file.with_suffix(".md"), base_card(figures))
    return figures


def _figures(
    checkpoint: Path, dataset_dir: Path, schedule: Schedule, minutes: float, date: str, work_dir: Path
) -> BaseFigures:
    import torch

    ultralytics = load_ultralytics()
    metrics = ultralytics.YOLO(str(checkpoint)).val(
        data=str(dataset_dir / "data.yaml"), split="test", imgsz=schedule.image_size_px, batch=32, plots=False,
        verbose=False, device=schedule.device, workers=schedule.workers, save_dir=str(work_dir / "validation"),
    )  # fmt: skip
    dataset = json.loads((dataset_dir / "dataset.json").read_text())
    return BaseFigures(
        classes=tuple(dataset["classes"]),
        images=dataset["images"],
        epochs=schedule.epochs,
        image_size_px=schedule.image_size_px,
        hardware=_hardware(schedule.device),
        minutes=round(minutes, 1),
        map50=round(float(metrics.box.map50), 4),
        map50_95=round(float(metrics.box.map), 4),
        made_with={"torch": torch.__version__, "ultralytics": ultralytics.__version__},
        date=date,
    )


def _hardware(device: str) -> str:
    import torch

    if device != "cpu":
        return str(torch.cuda.get_device_name(int(device)))
    threads = torch.get_num_threads()
    return f"{threads} thread{'s' if threads > 1 else ''} of {_processor()}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not Linux
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def base_card(figures: BaseFigures) -> str:
    """The model card of a base checkpoint, in Markdown."""
    images = figures.images
    versions = ", ".join(f"{name} {version}" for name, version in figures.made_with.items())
    uses = f"{images['train']} trained on, {images['val']} to choose the epoch, {images['test']} held out"
    return f"""# YOLO26n base checkpoint of the sorting cell

What fine-tuning starts from, so that nothing has to be downloaded. It knows {", ".join(figures.classes)} of the
simulated cell and little else; on real photographs it is a warm start, not a detector.

| | |
|---|---|
| Network | YOLO26n (`{ARCHITECTURE}`), {figures.image_size_px} px, end-to-end head, from random weights |
| Data | {sum(images.values())} randomised renderings of `trunnion_sim`; {uses} |
| Personal data | none: every image is rendered |
| Epochs | {figures.epochs} |
| Hardware | {figures.hardware}, {figures.minutes} minutes |
| mAP50 on the held-out images | {figures.map50:.3f} |
| mAP50-95 on the held-out images | {figures.map50_95:.3f} |
| Made with | {versions} |
| Date | {figures.date or "not given"} |
| Licence of the weights' format and trainer | AGPL-3.0 (ultralytics) |

Make it again with `trunnion train base`. The weights are float16, without optimiser state. The file is a pickle, as
every ultralytics checkpoint is: load it where you train, never on a robot.
"""
