"""One training run of an ultralytics detector: driven through its Python API, watched by our progress, resumable."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from trunnion_contract.files import whole_file, write_json
from trunnion_contract.progress import Progress
from trunnion_training.cluster.share import ALONE, Share
from trunnion_training.vision.cpu_speed import speed_up
from trunnion_training.vision.pieces import Pieces
from trunnion_training.vision.schedule import HISTORY, Schedule, begin
from trunnion_training.vision.ultralytics_setup import load_ultralytics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ultralytics.models.yolo.detect import DetectionTrainer

LAST, BEST = "last.pt", "best.pt"
_THREADS = 2


def train(start: str | Path, data_yaml: Path, work_dir: Path, schedule: Schedule, progress: Progress) -> Path:
    """Train from the checkpoint (or model file) `start` and return the best checkpoint.

    `work_dir` keeps the last whole epoch: after a kill at any moment the same call goes on from there, and a call with
    another start, dataset or schedule begins anew. A resumed run sees other random numbers than one that was never
    stopped, and so ends with slightly other weights.
    """
    begin(work_dir, start, data_yaml.parent, schedule)
    with _few_threads():
        learn(start, data_yaml, work_dir, schedule, progress, ALONE)
    return work_dir / BEST


def learn(
    start: str | Path, data_yaml: Path, work_dir: Path, schedule: Schedule, progress: Progress, share: Share
) -> None:
    """Learn one process's share, from the last whole epoch in the folder to the end.

    Raises:
        RuntimeError: a GPU's memory was full; the same call again takes smaller batches, and steps of as many images.
    """
    done = _epochs_done(work_dir / LAST)
    if done >= schedule.epochs:
        return
    pieces = Pieces(work_dir, smallest=share.size)
    device, batch = _device(schedule, share), schedule.batch // pieces.count
    trainer = _trainer(
        start, data_yaml, work_dir, replace(schedule, device=device, batch=batch), share, done > 0
    )
    # One optimiser step a batch: ultralytics would gather batches up to 64 images, too few steps for short runs.
    trainer.args.nbs = schedule.batch
    _watch(trainer, work_dir, schedule, progress, done)
    try:
        trainer.train()
    except RuntimeError as error:
        if share.size > 1 and "out of memory" in str(error).lower():
            pieces.halve(schedule.batch)
        raise


def _device(schedule: Schedule, share: Share) -> str:
    return share.device.partition(":")[2] or "0" if share.on_gpu else schedule.device


def _trainer(
    start: str | Path, data_yaml: Path, work_dir: Path, schedule: Schedule, share: Share, resume: bool
) -> DetectionTrainer:
    load_ultralytics()
    from ultralytics.models.yolo.detect import DetectionTrainer

    class QuietTrainer(DetectionTrainer):  # type: ignore[misc]
        def _build_train_pipeline(self) -> None:
            """Join the others, whose process group is open already; up to here it takes itself to be alone."""
            if share.size > 1:
                self.world_size = share.size
                self.model = share.joined(self.model)
            super()._build_train_pipeline()

        def final_eval(self) -> None:
            """Leave the last word on accuracy to trunnion_edge, which runs on the robot too."""

    overrides = {
        "model": str(start),
        "data": str(data_yaml),
        "save_dir": str(work_dir / "ultralytics"),
        "epochs": schedule.epochs,
        "batch": schedule.batch,
        "imgsz": schedule.image_size_px,
        "lr0": schedule.learning_rate,
        "seed": schedule.seed,
        "freeze": schedule.frozen_layers or None,
        "device": schedule.device,
        "workers": schedule.workers,
        "amp": False if schedule.device == "cpu" else "bf16",
        "plots": False,
        "verbose": False,
        "deterministic": True,
        "resume": str(work_dir / LAST) if resume else False,
        **schedule.extra,
    }
    return QuietTrainer(overrides=overrides)


def _watch(
    trainer: DetectionTrainer, work_dir: Path, schedule: Schedule, progress: Progress, epochs_done: int
) -> None:
    """Draw the progress, and keep each finished epoch under a name that is whole or absent."""

    def started(trainer: DetectionTrainer) -> None:
        speed_up(trainer)
        batches = len(trainer.train_loader)
        progress.start("training the detector", schedule.epochs * batches)
        if epochs_done:
            progress.advance(epochs_done * batches, note=f"resumed after epoch {epochs_done}")

    def saved(trainer: DetectionTrainer) -> None:
        if trainer.best_fitness == trainer.fitness:
            _keep(trainer.last, work_dir / BEST)
        write_json(
            work_dir / HISTORY, {k: [float(v) for v in vs] for k, vs in trainer.read_results_csv().items()}
        )
        _keep(trainer.last, work_dir / LAST)

    trainer.add_callback("on_train_start", started)
    trainer.add_callback("on_train_batch_end", lambda trainer: progress.advance(1, note=_note(trainer)))
    trainer.add_callback("on_model_save", saved)
    trainer.add_callback("on_train_end", lambda trainer: progress.done())


def _note(trainer: DetectionTrainer) -> str:
    return f"epoch {trainer.epoch + 1} of {trainer.epochs}, loss {float(trainer.loss.detach()):.3f}"


def _keep(source: Path, target: Path) -> None:
    with whole_file(target) as temporary:
        temporary.write_bytes(source.read_bytes())


def _epochs_done(last: Path) -> int:
    if not last.exists():
        return 0
    load_ultralytics()
    from ultralytics.utils.patches import torch_load

    return int(torch_load(last, map_location="cpu")["epoch"]) + 1


@contextmanager
def _few_threads() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(_THREADS)
    try:
        yield
    finally:
        torch.set_num_threads(before)
