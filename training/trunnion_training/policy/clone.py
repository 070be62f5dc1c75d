"""Behaviour cloning: a network that does what the expert did."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from trunnion_contract.files import digest_bytes, digest_file, digest_json, whole_file, write_json, write_text
from trunnion_contract.manifest import LEARNING_CURVES, PolicySpec
from trunnion_contract.policy_training import PolicyTraining
from trunnion_contract.progress import Progress, Silent
from trunnion_contract.usecase import UseCase
from trunnion_training.cluster.share import Share
from trunnion_training.cluster.together import learn_together
from trunnion_training.curves import draw_curves
from trunnion_training.policy.course import EarlyStopping
from trunnion_training.policy.demonstrations import Demonstrations, demonstrate
from trunnion_training.policy.description import described, policy_spec
from trunnion_training.policy.environment import Task, open_environment, task_of
from trunnion_training.policy.exportable import CHECKPOINT, save_policy
from trunnion_training.policy.fitting import Samples, divided, fit, new_network
from trunnion_training.policy.learning_state import begun, require_shares, standing
from trunnion_training.policy.network import PolicyNetwork
from trunnion_training.policy.players import Players
from trunnion_training.policy.recording import recorded_demonstrations

METRICS, CURVES = "policy_metrics.json", LEARNING_CURVES["policy"]
# Observations that were not learnt from: export compares torch and ONNX on them.
HELD_OUT, HELD_OUT_IMAGES = "policy_held_out.npy", "policy_held_out_images.npy"
_WORK = ".policy"


def clone(usecase: UseCase, out_dir: Path, progress: Progress) -> Path:
    """Demonstrate, learn, and write policy, metrics, curves and held-out observations; give the policy's path.

    Stopped at any moment, the same call plays only the episodes that are missing, and goes on after the last whole
    epoch.

    Raises:
        BadInput: there is no policy to learn, or the environment does not fit.
    """
    task, settings = task_of(usecase), usecase.models.policy
    assert settings is not None, "a task comes with settings"
    demonstrations = demonstrations_of(usecase, out_dir, progress)
    training, validation = divided(demonstrations)
    network = new_network(settings, spec_of(task), training)
    with early_stopping(usecase) as early:
        folder = begun(_fitting_dir(usecase, out_dir), _identity(settings, training, validation, early))
        if not settings.workers.one_process:
            _fit_together(usecase, out_dir, len(training.observations), progress)
        history = fit(network, training, validation, settings, progress, early, folder)
    save_policy(network, out_dir)
    write_held_out(validation.observations.numpy(), out_dir)
    write_json(
        out_dir / METRICS, _metrics(settings, demonstrations, training, validation, network, history, early)
    )
    draw_curves({"loss": history}, out_dir / CURVES)
    return finished(out_dir)


def _fit_together(usecase: UseCase, out_dir: Path, rows: int, progress: Progress) -> None:
    """Let the workers fit it; all that is left for this process is then to read it."""
    settings, folder = usecase.models.policy, _fitting_dir(usecase, out_dir)
    assert settings is not None, "a task comes with settings"
    assert settings.epochs is not None, "a method that imitates has epochs"
    require_shares(rows, settings.batch, settings.workers.count)
    learn = partial(_fit_share, usecase, out_dir)
    learn_together(
        learn, settings.workers, folder, partial(standing, folder), settings.epochs, progress, "policy"
    )


def _fit_share(usecase: UseCase, out_dir: Path, share: Share) -> None:
    """Runs in each worker, which reads what was demonstrated."""
    task, settings = task_of(usecase), usecase.models.policy
    assert settings is not None, "a task comes with settings"
    training, validation = divided(demonstrations_of(usecase, out_dir, Silent()))
    network = new_network(settings, spec_of(task), training)
    with early_stopping(usecase) if share.leads else nullcontext() as early:
        folder = _fitting_dir(usecase, out_dir)
        fit(network, training, validation, settings, Silent(), early, folder, share)


def _fitting_dir(usecase: UseCase, out_dir: Path) -> Path:
    return work_dir(usecase, out_dir) / "fitting"


def _identity(
    settings: PolicyTraining, training: Samples, validation: Samples, early: EarlyStopping | None
) -> str:
    """What fitting depends on: how many processes there are is none of it."""
    plain = settings.model_dump(mode="json", exclude={"workers", "seeds"})
    parts = [values for part in (training, validation) for values in (part.observations, part.actions)]
    data = [digest_bytes(values.numpy().tobytes()) for values in parts]
    return digest_json([plain, data, early.plain() if early else None, torch.__version__])


def demonstrations_of(usecase: UseCase, out_dir: Path, progress: Progress) -> Demonstrations:
    """What was recorded, or what the expert does in as many episodes as asked for; kept ones are not played again.

    Raises:
        BadInput: as for `recorded_demonstrations` and `demonstrate`.
    """
    task, settings = task_of(usecase), usecase.models.policy
    assert settings is not None, "a task comes with settings"
    if settings.recording:
        return recorded_demonstrations(usecase.beside(settings.recording), task)
    assert settings.demonstrations is not None, "a method that imitates has demonstrations or a recording"
    folder = work_dir(usecase, out_dir)
    return demonstrate(task, settings.demonstrations, settings.seed, folder, progress, settings.disturbance)


@contextmanager
def early_stopping(usecase: UseCase) -> Iterator[EarlyStopping | None]:
    """What looks at the policy while it is fitted, in environments of its own; None where that is not asked for."""
    settings = usecase.models.policy
    if settings is None or settings.early_stop is None:
        yield None
        return
    with Players(task_of(usecase)) as players:
        yield EarlyStopping(players, settings.early_stop, usecase.prove.gates)


def spec_of(task: Task) -> PolicySpec:
    """What a policy takes and gives, as the environment says."""
    env = open_environment(task)
    spec = policy_spec(described(env))
    env.close()
    return spec


def write_held_out(
    observations: NDArray[np.float32], out_dir: Path, images: NDArray[np.uint8] | None = None
) -> None:
    """Keep observations that were not learnt from, and their images."""
    for name, values in ((HELD_OUT, observations), (HELD_OUT_IMAGES, images)):
        if values is not None:
            with whole_file(out_dir / name) as temporary, temporary.open("wb") as file:
                np.save(file, values, allow_pickle=False)


def finished(out_dir: Path) -> Path:
    """Throw away what was kept in case of a kill; give the policy's path."""
    shutil.rmtree(out_dir / _WORK, ignore_errors=True)
    return out_dir / CHECKPOINT


def _metrics(
    settings: PolicyTraining,
    demonstrations: Demonstrations,
    training: Samples,
    validation: Samples,
    network: PolicyNetwork,
    history: dict[str, list[float]],
    early: EarlyStopping | None,
) -> dict[str, Any]:
    epochs = len(history["validation"])
    error = np.abs(network.act(validation.observations.numpy()) - validation.actions.numpy())
    return {
        "env": settings.env,
        "episodes_played": demonstrations.played,
        "episodes_learnt_from": len(demonstrations.episodes),
        "samples": {"training": len(training.observations), "validation": len(validation.observations)},
        "epochs": epochs,
        "validation_loss": history["validation"][(early.course.best_mark if early else epochs) - 1],
        "mean_absolute_error": [float(value) for value in error.mean(axis=0)],
        "history": history,
        **({"early_stop": early.metrics()} if early else {}),
    }


def work_dir(usecase: UseCase, out_dir: Path) -> Path:
    """Where episodes wait in case of a kill; those of another task, seed, disturbance or recording are thrown away."""
    task, settings = task_of(usecase), usecase.models.policy
    assert settings is not None, "a task comes with settings"
    folder, marker = out_dir / _WORK, out_dir / _WORK / "settings.sha256"
    recorded = digest_file(usecase.beside(settings.recording)) if settings.recording else None
    digest = digest_json([*task.plain(), settings.seed, settings.disturbance, recorded])
    if folder.exists() and (not marker.exists() or marker.read_text() != digest):
        shutil.rmtree(folder)
    write_text(marker, digest)
    return folder
