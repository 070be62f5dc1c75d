"""Several seeds of one training: at the same time where there is room, the best is kept, and all are told.

Luck decides much of what is learnt. Each seed learns as a use case with this one `seed` would, in a folder of its own,
and plays the same held-out episodes; so which of them is kept does not depend on who was done first.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path
from statistics import median
from typing import Any

from trunnion_contract.files import digest_file, digest_json, whole_file, write_json, write_text
from trunnion_contract.policy_training import PolicyTraining
from trunnion_contract.progress import Progress
from trunnion_contract.usecase import UseCase
from trunnion_contract.workers import available_cores, worker_pool
from trunnion_training.curves import draw_curves
from trunnion_training.policy.clone import CURVES, METRICS
from trunnion_training.policy.environment import task_of
from trunnion_training.policy.exportable import CHECKPOINT, load_policy
from trunnion_training.policy.learning_state import begun
from trunnion_training.policy.players import Players
from trunnion_training.policy.playing import Assessment, assess

_WORK, _STOP, _TOLD = ".seeds", "stop", "told.txt"
# Of a seed: it has learnt; it has played too.
_LEARNT, _ASSESSED = "learnt.txt", "assessment.json"
_LOOK_EVERY_S = 0.5

Learn = Callable[[UseCase, Path, Progress], Path]


def learn_seeds(usecase: UseCase, out_dir: Path, progress: Progress, learn: Learn) -> Path:
    """Learn with every seed of the use case, and write what the best one did; gives the policy's path.

    Stopped at any moment, the same call goes on: what a seed has finished is not done again.

    Args:
        learn: `trunnion_training.policy.methods.train_policy`.

    Raises:
        BadInput: as for `learn`.
        Broken: a worker of this machine died.
    """
    settings, folder = _settings(usecase), begun(out_dir / _WORK, _identity(usecase))
    (folder / _STOP).unlink(missing_ok=True)
    folders = {seed: folder / str(seed) for seed in sorted(settings.seeds)}
    todo = {seed: folder for seed, folder in folders.items() if not (folder / _ASSESSED).exists()}
    progress.start(f"training with {len(folders)} seeds", len(folders))
    progress.advance(len(folders) - len(todo))
    _learn_all(usecase, todo, progress, learn)
    found = {seed: _assessment(folder) for seed, folder in folders.items()}
    best = best_of(found)
    _keep(folders, best, found, out_dir)
    rates = [one.rate for one in found.values()]
    progress.done(
        f"seed {best} is kept: success {found[best].rate:.3f} in {found[best].episodes} held-out episodes; "
        f"all seeds {min(rates):.3f} to {max(rates):.3f}, median {median(rates):.3f}"
    )
    shutil.rmtree(folder)
    return out_dir / CHECKPOINT


def best_of(found: Mapping[int, Assessment]) -> int:
    """The seed whose policy did best; of equal ones that with the smallest number."""
    return max(found, key=lambda seed: (*found[seed].order, -seed))


def _learn_all(usecase: UseCase, todo: Mapping[int, Path], progress: Progress, learn: Learn) -> None:
    if not todo:
        return
    with worker_pool(min(available_cores(), len(todo)), os.putenv, "OMP_NUM_THREADS", "1") as pool:
        try:
            running = {
                pool.submit(_learn_one, _with_seed(usecase, seed), folder, learn): seed
                for seed, folder in todo.items()
            }
            _watch(running, todo, progress)
        except BaseException:
            # Workers hear no Ctrl-C, and what they do may take hours: each looks for this file.
            write_text(next(iter(todo.values())).parent / _STOP, "")
            raise


def _watch(running: Mapping[Future[None], int], folders: Mapping[int, Path], progress: Progress) -> None:
    waiting = set(running)
    while waiting:
        done, waiting = wait(waiting, _LOOK_EVERY_S, FIRST_COMPLETED)
        for future in done:
            future.result()
        under_way = sorted(running[future] for future in waiting)
        progress.advance(len(done), note=_standing({seed: folders[seed] for seed in under_way}))


def _standing(folders: Mapping[int, Path]) -> str:
    told = {seed: folder / _TOLD for seed, folder in folders.items()}
    return "; ".join(f"seed {seed}: {file.read_text()}" for seed, file in told.items() if file.exists())


def _learn_one(usecase: UseCase, folder: Path, learn: Learn) -> None:
    """Runs in a worker: learn, and play."""
    told, episodes = _Told(folder), usecase.prove.policy_episodes
    if not (folder / _LEARNT).exists():
        learn(usecase, folder, told)
        write_text(folder / _LEARNT, "")
    told.start("playing held-out episodes", episodes)
    with Players(task_of(usecase)) as players:
        found = assess(players, load_policy(folder), episodes, None)
    write_json(folder / _ASSESSED, found.plain())


class _Told:
    """Progress in a file that another process reads; it ends the work where that process says so."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file, self._stop = folder / _TOLD, folder.parent / _STOP
        self._label, self._total, self._done, self._told_s = "", 0, 0, 0.0

    def start(self, label: str, total: int) -> None:
        """Tell what is done now."""
        self._label, self._total, self._done, self._told_s = label, total, 0, 0.0
        self.advance(0)

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Tell how far it is."""
        self._done += steps
        if time.monotonic() - self._told_s < _LOOK_EVERY_S:
            return
        if self._stop.exists():
            raise InterruptedError("the process that asked for it was stopped")
        self._told_s = time.monotonic()
        temporary = self._file.with_suffix(".part")
        temporary.write_text(f"{self._label} {self._done}/{self._total}")
        temporary.replace(self._file)

    def done(self, note: str = "") -> None:
        """What comes next says it."""


def _keep(folders: Mapping[int, Path], best: int, found: Mapping[int, Assessment], out_dir: Path) -> None:
    """Write what the best seed left, with the spread of all."""
    metrics = {seed: json.loads((folder / METRICS).read_bytes()) for seed, folder in folders.items()}
    for file in sorted(folders[best].iterdir()):
        if file.is_file() and file.name not in (_TOLD, _LEARNT, _ASSESSED):
            with whole_file(out_dir / file.name) as temporary:
                temporary.write_bytes(file.read_bytes())
    rates = [one.rate for one in found.values()]
    spread = {"lowest": min(rates), "median": median(rates), "highest": max(rates)}
    each = [{"seed": seed, **one.plain()} for seed, one in found.items()]
    write_json(out_dir / METRICS, metrics[best] | {"seeds": {"kept": best, "success": spread, "each": each}})
    _draw(metrics, best, out_dir / CURVES)


def _draw(metrics: Mapping[int, dict[str, Any]], best: int, target: Path) -> None:
    """The curves of all seeds: of losses, or of success where the method has it."""
    curves = {
        f"seed {seed}{', kept' if seed == best else ''}": _curve(one["history"])
        for seed, one in metrics.items()
    }
    fitted = isinstance(metrics[best]["history"], dict)
    over = ("epoch" if fitted else "assessment", range(1, 1 + max(map(len, curves.values()))))
    draw_curves({"validation loss" if fitted else "success": curves}, target, over)


def _curve(history: Any) -> Sequence[float]:
    return history["validation"] if isinstance(history, dict) else [one["rate"] for one in history]


def _assessment(folder: Path) -> Assessment:
    found = json.loads((folder / _ASSESSED).read_bytes())
    return Assessment(found["successes"], found["episodes"], found["mean_return"])


def _with_seed(usecase: UseCase, seed: int) -> UseCase:
    policy = _settings(usecase).model_copy(update={"seed": seed, "seeds": ()})
    models = usecase.models.model_copy(update={"policy": policy})
    return usecase.model_copy(update={"models": models})


def _identity(usecase: UseCase) -> str:
    """What a seed depends on beside its number: which others there are is none of it."""
    settings, prove = _settings(usecase), usecase.prove
    recorded = digest_file(usecase.beside(settings.recording)) if settings.recording else None
    plain = settings.model_dump(mode="json", exclude={"seed", "seeds"})
    gates = prove.gates.model_dump(mode="json")
    return digest_json([*task_of(usecase).plain(), plain, recorded, gates, prove.policy_episodes])


def _settings(usecase: UseCase) -> PolicyTraining:
    settings = usecase.models.policy
    assert settings is not None, "who asks has seen that there is one"
    return settings
