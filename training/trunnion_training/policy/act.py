"""ACT, action chunking with transformers (Zhao et al., 2023), learnt from demonstrations in plain torch.

Every state of a demonstration is learnt together with the actions of the next `chunk` periods. A style variable takes
up what the observation does not tell about them (a conditional variational autoencoder); acting, it is zero.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from trunnion_contract.act_training import ActTraining, Chunking
from trunnion_contract.files import digest_json, write_json
from trunnion_contract.manifest import PolicySpec
from trunnion_contract.policy_training import PolicyTraining
from trunnion_contract.progress import Progress, Silent
from trunnion_contract.tensor import TensorSpec
from trunnion_contract.usecase import UseCase
from trunnion_training.cluster.share import Share
from trunnion_training.cluster.together import learn_together
from trunnion_training.curves import draw_curves
from trunnion_training.policy.act_learning import ROWS, Learning, planned
from trunnion_training.policy.act_network import ActForm, ActNetwork
from trunnion_training.policy.chunks import Chunks, require_fit
from trunnion_training.policy.clone import (
    CURVES,
    METRICS,
    demonstrations_of,
    early_stopping,
    finished,
    spec_of,
    write_held_out,
)
from trunnion_training.policy.course import EarlyStopping
from trunnion_training.policy.demonstrations import Demonstrations, Episode
from trunnion_training.policy.description import ranges
from trunnion_training.policy.environment import Task, task_of
from trunnion_training.policy.exportable import save_policy
from trunnion_training.policy.fitting import divided_episodes
from trunnion_training.policy.learning_state import begun, require_shares, standing
from trunnion_training.policy.network import OUTPUT, Scale, position_pairs

_WORK = ".act"
# Parity is measured on no more of them.
_HELD_OUT_IMAGES_MAX = 500


def learn_chunks(usecase: UseCase, out_dir: Path, progress: Progress) -> Path:
    """Demonstrate, learn, and write the policy of a use case with method `act`; gives the policy's path.

    Raises:
        BadInput: there is no policy to learn, or the environment does not fit.
    """
    task, settings = task_of(usecase), usecase.models.policy
    assert settings is not None, "a task comes with settings"
    demonstrations = demonstrations_of(usecase, out_dir, progress)
    learnt_with = _act_training(settings, demonstrations)
    with early_stopping(usecase) as early:
        if not settings.workers.one_process:
            _learn_together(usecase, learnt_with, demonstrations, out_dir, progress, early)
        learn_act(task, learnt_with, demonstrations, out_dir, progress, early)
    return finished(out_dir)


def _act_training(settings: PolicyTraining, demonstrations: Demonstrations) -> ActTraining:
    shared = ("epochs", "learning_rate", "batch", "seed")
    values = {name: getattr(settings, name) for name in shared} | {"demonstrations": demonstrations.played}
    return ActTraining(**values, **(settings.act or Chunking()).model_dump())


def _learn_together(
    usecase: UseCase,
    learnt_with: ActTraining,
    demonstrations: Demonstrations,
    out_dir: Path,
    progress: Progress,
    early: EarlyStopping | None,
) -> None:
    """Let the workers learn it; all that is left for this process is then to read it."""
    task, settings = task_of(usecase), usecase.models.policy
    assert settings is not None, "a task comes with settings"
    # Says here, and not in each worker, what is wrong.
    _, training, *_ = _beginning(task, learnt_with, demonstrations)
    require_shares(len(training.observations), learnt_with.batch, settings.workers.count)
    folder = begun(out_dir / _WORK, _identity(task, learnt_with, demonstrations.episodes, early))
    learn, where = partial(_learn_share, usecase, out_dir), partial(standing, folder)
    learn_together(learn, settings.workers, folder, where, learnt_with.epochs, progress, "policy")


def _learn_share(usecase: UseCase, out_dir: Path, share: Share) -> None:
    """Runs in each worker, which reads what was demonstrated."""
    task, settings = task_of(usecase), usecase.models.policy
    assert settings is not None, "a task comes with settings"
    demonstrations = demonstrations_of(usecase, out_dir, Silent())
    learnt_with = _act_training(settings, demonstrations)
    network, training, validation = _beginning(task, learnt_with, demonstrations)
    with early_stopping(usecase) if share.leads else nullcontext() as early:
        learning = Learning(network, training, learnt_with, out_dir / _WORK, early, share)
        learning.run(validation, Silent())


def learn_act(
    task: Task,
    settings: ActTraining,
    demonstrations: Demonstrations,
    out_dir: Path,
    progress: Progress,
    early: EarlyStopping | None = None,
) -> Path:
    """Learn, and write policy, spec, metrics, curves and held-out observations; give the policy's path.

    Stopped at any moment, the same call goes on after the last whole epoch, and ends with the same weights.

    Raises:
        BadInput: the environment does not fit the demonstrations, or there are too few of them.
    """
    network, training, validation = _beginning(task, settings, demonstrations)
    folder = begun(out_dir / _WORK, _identity(task, settings, demonstrations.episodes, early))
    history = Learning(network, training, settings, folder, early).run(validation, progress)
    path = save_policy(network, out_dir)
    held_out = validation if network.spec.image is None else validation.rows(slice(_HELD_OUT_IMAGES_MAX))
    images = None if held_out.images is None else held_out.images.numpy()
    write_held_out(held_out.observations.numpy(), out_dir, images)
    metrics = _metrics(task, settings, demonstrations, training, validation, network, history)
    write_json(out_dir / METRICS, metrics | ({"early_stop": early.metrics()} if early else {}))
    draw_curves(history, out_dir / CURVES)
    shutil.rmtree(out_dir / _WORK, ignore_errors=True)
    return path


def _beginning(
    task: Task, settings: ActTraining, demonstrations: Demonstrations
) -> tuple[ActNetwork, Chunks, Chunks]:
    """The untrained network, and what it learns from and is measured on."""
    spec = act_spec(task, settings)
    require_fit(spec, demonstrations.episodes)
    parts = divided_episodes(demonstrations.episodes)
    training, validation = (Chunks.of(episodes, settings.chunk) for episodes in parts)
    return build_network(settings, spec, training), training, validation


def act_spec(task: Task, settings: ActTraining) -> PolicySpec:
    """What the policy takes and gives: as its environment names it, `chunk` actions at once."""
    single = spec_of(task)
    actions = sum(entry.size for entry in single.action)
    return PolicySpec(
        input=single.input,
        output=TensorSpec(name=OUTPUT, dtype="float32", shape=("N", settings.chunk, actions)),
        observation=single.observation,
        action=single.action,
        rate_hz=single.rate_hz,
        chunk=settings.chunk,
        replan_every=settings.replan_every,
        image=single.image,
    )


def build_network(settings: ActTraining, spec: PolicySpec, training: Chunks) -> ActNetwork:
    """The untrained network, the same for the same seed, with the scales of what is learnt from."""
    form = ActForm(settings.chunk, settings.width, settings.layers, settings.heads)
    first = training.plans[:, 0].numpy()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        return ActNetwork(
            spec,
            Scale.of(training.observations.numpy(), *ranges(spec.observation)),
            Scale.of(first, *ranges(spec.action)),
            form,
            position_pairs(spec.observation),
        )


def _identity(
    task: Task, settings: ActTraining, episodes: Sequence[Episode], early: EarlyStopping | None
) -> str:
    """What training depends on."""
    data = hashlib.sha256()
    for episode in episodes:
        data.update(len(episode.actions).to_bytes(8, "little"))
        data.update(episode.observations.tobytes())
        data.update(episode.actions.tobytes())
        data.update(b"" if episode.images is None else episode.images.tobytes())
    watched = early.plain() if early else None
    return digest_json([*task.plain(), settings.model_dump(mode="json"), data.hexdigest(), watched])


def _metrics(
    task: Task,
    settings: ActTraining,
    demonstrations: Demonstrations,
    training: Chunks,
    validation: Chunks,
    network: ActNetwork,
    history: dict[str, dict[str, list[float]]],
) -> dict[str, Any]:
    errors = [
        np.abs(planned(network, part)[:, 0] - part.plans[:, 0].numpy()) for part in validation.batches(ROWS)
    ]
    error = np.concatenate(errors)
    return {
        "env": task.env_id,
        "episodes_played": demonstrations.played,
        "episodes_learnt_from": len(demonstrations.episodes),
        "samples": {"training": len(training.observations), "validation": len(validation.observations)},
        "epochs": len(history["loss"]["validation"]),
        "chunk": settings.chunk,
        "replan_every": settings.replan_every,
        "validation_loss": history["loss"]["validation"][-1],
        "mean_absolute_error": [float(value) for value in error.mean(axis=0)],
        "history": history["loss"],
    }
