"""Episodes are shared by workers where that pays, and who plays them changes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from trunnion_contract.errors import Broken
from trunnion_contract.policy_training import PolicyTraining
from trunnion_contract.usecase import Gates
from trunnion_training.policy.clone import spec_of
from trunnion_training.policy.environment import Task
from trunnion_training.policy.fitting import Samples, new_network
from trunnion_training.policy.network import PolicyNetwork
from trunnion_training.policy.players import Environment, Players
from trunnion_training.policy.playing import assess

TASK = Task("tests/Point-v0", "point_cell")


@pytest.fixture(scope="module")
def two() -> Iterator[Players]:
    """Two workers, who are asked as soon as there is anything for them; they find the modules of tests."""
    with pytest.MonkeyPatch.context() as patch:
        for folder in (Path(__file__).parents[1], Path(__file__).parent):
            patch.syspath_prepend(str(folder))
        with Players(TASK, workers=2, worth_s=0) as players:
            yield players


def network_of(task: Task = TASK) -> PolicyNetwork:
    samples = Samples(torch.zeros(2, 4), torch.zeros(2, 3))
    settings = PolicyTraining(env=task.env_id, demonstrations=1, epochs=1, hidden=(8,))
    return new_network(settings, spec_of(task), samples).eval()


def test_workers_play_what_one_process_plays_and_an_assessment_ends_at_the_same_episode(two: Players) -> None:
    network, gates = network_of(), Gates(policy_success_min=0.9)
    with Players(TASK, workers=1) as one:
        alone, shared = (assess(players, network, 60, gates) for players in (one, two))
        assert two._pool is not None
        assert one._pool is None
    assert alone == shared
    assert alone.episodes == 40


def test_workers_are_not_started_for_what_is_over_sooner(point_cell: str) -> None:
    with Players(Task("tests/Point-v0", point_cell), workers=2, worth_s=3600) as players:
        assess(players, network_of(), 5, Gates())
        assert players._pool is None


def first_numbers(env: Environment, factor: float, seed: int) -> list[float]:
    return [factor * float(number) for number in env.reset(seed=seed)[0]]


def die(env: Environment, spared: int, seed: int) -> None:
    if os.getpid() != spared:
        os._exit(9)


def test_results_come_in_order_with_who_acts_and_a_worker_that_dies_is_told(
    two: Players,
) -> None:
    found = np.array(list(two.each(first_numbers, 2.0, range(20))))
    np.testing.assert_array_equal(found, [first_numbers(two._env, 2.0, seed) for seed in range(20)])
    with pytest.raises(Broken, match="workers that play episodes: got a process that died"):
        list(two.each(die, os.getpid(), range(5)))
