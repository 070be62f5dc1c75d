"""Processes that learn one network together, under Ray Train: gloo between CPUs, NCCL between GPUs.

What the processes know of each other is on disk: a folder that all of them see holds the last whole epoch, and a group
that lost a process or a machine starts anew from there.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trunnion_contract.errors import BadInput, Broken, GatesFailed, TrunnionError
from trunnion_contract.files import write_json
from trunnion_contract.progress import Progress
from trunnion_contract.strict import Strict, read_json
from trunnion_contract.training_workers import Workers
from trunnion_contract.workers import HERE, RAY_ADDRESS, begin_work
from trunnion_training.cluster.beside import Beside
from trunnion_training.cluster.engine import engine
from trunnion_training.cluster.share import Share

_REFUSED = "refused.json"
_LOOK_EVERY_S = 0.5
_ERRORS: dict[str, type[TrunnionError]] = {kind.__name__: kind for kind in (BadInput, Broken, GatesFailed)}

# Learns its share; called again after a loss, it goes on from what is in the folder.
Learn = Callable[[Share], None]
Standing = Callable[[], tuple[int, str]]


class Refusal(Strict):
    """An error that starting anew would not mend."""

    kind: str
    where: str
    got: str
    wanted: str
    next_step: str


def learn_together(
    learn: Learn,
    workers: Workers,
    folder: Path,
    standing: Standing,
    epochs: int,
    progress: Progress,
    what: str = "detector",
) -> None:
    """Let `workers.count` processes call `learn`, until all of them come to their end.

    Args:
        learn: can be pickled; what it raises of our own errors ends the training, anything else starts it anew.
        folder: seen by all nodes under the same path; it holds what `learn` goes on from.
        standing: how many whole epochs the folder holds, and words about them, for the progress.
        what: they learn, as the use case's `models` names it.

    Raises:
        Broken: more processes were lost than `workers.losses_max`.
    """
    with engine(workers.count * workers.cores):
        _check_gpus(workers, what)
        (folder / _REFUSED).unlink(missing_ok=True)
        run = Beside(lambda: _fit(learn, workers, folder), "ray-train")
        progress.start(f"training the {what} on {workers.count} workers", epochs)
        _watch(run, standing, epochs, progress)
        _raise(run.error)
    _raise_refusal(folder / _REFUSED)


def _watch(run: Beside, standing: Standing, epochs: int, progress: Progress) -> None:
    seen, over = 0, False
    while not over:
        over = run.ended(_LOOK_EVERY_S)
        now, words = standing()
        if now > seen:
            progress.advance(now - seen, note=f"epoch {now} of {epochs}{words}")
            seen = now
    progress.done()


def _raise(error: Exception | None) -> None:
    """Say in words what Ray Train gave up over."""
    if error is None:
        return
    lines = str(error).strip().splitlines() or [type(error).__name__]
    raise Broken(
        where="training on several workers",
        got=f"too many losses, the last one: {lines[-1][:300]}",
        wanted="workers that live",
        next_step="see whether memory ran out; the same command goes on after the last whole epoch",
    )


def _fit(learn: Learn, workers: Workers, folder: Path) -> None:
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    TorchTrainer(
        _work,
        train_loop_config={"learn": learn, "cores": workers.cores, "refused": folder / _REFUSED},
        scaling_config=ScalingConfig(
            num_workers=workers.count, use_gpu=workers.gpu, resources_per_worker=_resources(workers)
        ),
        run_config=RunConfig(
            name=uuid.uuid4().hex,
            storage_path=str(folder / "ray"),
            failure_config=FailureConfig(max_failures=workers.losses_max),
        ),
    ).fit()


def _resources(workers: Workers) -> dict[str, float]:
    return {"CPU": workers.cores, **({"GPU": 1} if workers.gpu else {})}


def _work(settings: dict[str, Any]) -> None:
    """Runs in each process, its process group open."""
    import ray.train
    import torch
    from ray.train.torch import get_device

    begin_work()
    if settings["refused"].exists():
        return
    torch.set_num_threads(settings["cores"])
    context = ray.train.get_context()
    share = Share(context.get_world_rank(), context.get_world_size(), str(get_device()))
    try:
        settings["learn"](share)
    except TrunnionError as error:
        _refuse(error, settings["refused"])
        raise


def _refuse(error: TrunnionError, file: Path) -> None:
    refusal = Refusal(
        kind=type(error).__name__,
        where=error.where,
        got=error.got,
        wanted=error.wanted,
        next_step=error.next_step,
    )
    write_json(file, refusal.model_dump())


def _raise_refusal(file: Path) -> None:
    if file.exists():
        said = read_json(Refusal, file).model_dump()
        raise _ERRORS[said.pop("kind")](**said)


def _check_gpus(workers: Workers, what: str) -> None:
    """Ray would wait for GPUs without end; on a cluster that is right, because it may grow."""
    import ray

    if not workers.gpu or os.environ.get(RAY_ADDRESS, HERE) != HERE:
        return
    there = int(ray.cluster_resources().get("GPU", 0))
    if there < workers.count:
        raise BadInput(
            where=f"models.{what}.workers",
            got=f"{workers.count} workers with a GPU each, and {there or 'no'} GPUs on this machine",
            wanted="a GPU for each worker",
            next_step=f"set {RAY_ADDRESS} to a cluster that has them, ask for fewer workers, or take gpu out",
        )
