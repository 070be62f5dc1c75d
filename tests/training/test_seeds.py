"""Several seeds: each learns as it would alone, the best is kept, all are told, and none is trained twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from trunnion_contract.progress import Silent
from trunnion_contract.usecase import UseCase
from trunnion_training.policy import seeds
from trunnion_training.policy.methods import train_policy
from trunnion_training.policy.playing import Assessment

SEEDS = (2, 0)
pytestmark = pytest.mark.usefixtures("point_cell", "one_thread")


def usecase_of(**changes: Any) -> UseCase:
    policy = {
        "env": "tests/Point-v0", "env_package": "point_cell", "demonstrations": 8, "epochs": 6, "batch": 32,
        "hidden": [16], "learning_rate": 0.01,
    }  # fmt: skip
    return UseCase.model_validate(
        {
            "schema": 1, "name": "point", "version": "0.1.0", "problem": "Fly to the target.",
            "models": {"policy": policy | changes}, "prove": {"policy_episodes": 20},
        }
    )  # fmt: skip


@contextmanager
def here(count: int, *_: object) -> Iterator[Executor]:
    """A pool of one thread of this process, whatever it is asked for."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


class Watching(Silent):
    """Remembers, and stops as Ctrl-C does when `stop_after` steps are done."""

    def __init__(self, stop_after: int = 100) -> None:
        self.steps, self.notes, self._left = list[int](), list[str](), stop_after

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.steps.append(steps)
        self._left -= steps
        if self._left <= 0:
            raise KeyboardInterrupt

    def done(self, note: str = "") -> None:
        self.notes.append(note)


def test_the_best_of_several_seeds_is_kept_as_it_would_have_become_alone_and_all_are_told(
    tmp_path: Path,
) -> None:
    progress = Watching()
    train_policy(usecase_of(seeds=SEEDS), tmp_path / "both", progress)
    metrics = json.loads((tmp_path / "both" / "policy_metrics.json").read_text())
    told = metrics.pop("seeds")
    each = told["each"]
    assert [one["seed"] for one in each] == sorted(SEEDS)
    assert {one["episodes"] for one in each} == {20}
    best = max(each, key=lambda one: (one["lower"], one["mean_return"], -one["seed"]))
    assert told["kept"] == best["seed"]
    rates = [one["rate"] for one in each]
    assert told["success"] == {"lowest": min(rates), "median": sum(rates) / 2, "highest": max(rates)}
    assert progress.notes[-1].startswith(f"seed {best['seed']} is kept: success {best['rate']:.3f} in 20")
    train_policy(usecase_of(seed=best["seed"]), tmp_path / "alone", Silent())
    names = sorted(path.name for path in (tmp_path / "alone").iterdir())
    assert sorted(path.name for path in (tmp_path / "both").iterdir()) == names
    for name in ("policy.pt", "policy_spec.json", "policy_held_out.npy"):
        assert (tmp_path / "both" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()
    assert json.loads((tmp_path / "alone" / "policy_metrics.json").read_text()) == metrics


def test_after_a_stop_a_seed_that_is_finished_is_not_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeds, "worker_pool", here)
    with pytest.raises(KeyboardInterrupt):
        train_policy(usecase_of(seeds=(0, 1), epochs=60), tmp_path, Watching(stop_after=1))
    assert sorted(path.parent.name for path in tmp_path.glob(".seeds/*/assessment.json")) == ["0"]
    progress = Watching()
    train_policy(usecase_of(seeds=(1, 0), epochs=60), tmp_path, progress)
    assert (progress.steps[0], sum(progress.steps)) == (1, 2)


def test_among_seeds_that_do_equally_well_the_first_number_is_kept() -> None:
    found = {3: Assessment(9, 10, 0.0), 1: Assessment(9, 10, 0.0), 2: Assessment(8, 10, 5.0)}
    assert seeds.best_of(found) == 1
