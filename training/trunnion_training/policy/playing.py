"""Episodes of a policy, played by the robot's own code, and whether they are enough for the proof's gates."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from trunnion_contract.proof import wilson
from trunnion_contract.usecase import Gates
from trunnion_edge.goal_observation import as_vector, given_to_policy, image_of
from trunnion_edge.policy import Policy
from trunnion_training.policy.environment import is_success
from trunnion_training.policy.exportable import ExportablePolicy, as_played, one_thread
from trunnion_training.policy.players import Players

# Neither those of demonstrations, which begin at 1e9, nor those that proofs usually count from.
HELD_OUT_SEED = 900_000_000
# Played whatever the gates say, so that policies far from passing can be told apart.
SCREENING = 40


@dataclass(frozen=True)
class Played:
    """One episode: whether it succeeded, the sum of its rewards, and float32 [T, observation]."""

    success: bool
    total_reward: float
    observations: NDArray[np.float32]


@dataclass(frozen=True)
class Assessment:
    """How a policy did on held-out seeds."""

    successes: int
    episodes: int
    mean_return: float

    @property
    def rate(self) -> float:
        """Share of episodes that succeeded."""
        return self.successes / self.episodes

    @property
    def lower(self) -> float:
        """The lower bound of the rate, 95 %."""
        return wilson(self.successes, self.episodes).lower

    @property
    def order(self) -> tuple[float, float]:
        """The better policy has the larger one; without any success, rewards decide."""
        return (self.lower, self.mean_return)

    def plain(self) -> dict[str, float]:
        """For a file."""
        return {**asdict(self), "rate": self.rate, "lower": self.lower}

    def passes(self, gates: Gates) -> bool:
        """Whether the proof's own gates would let it through; never without a gate."""
        rates = [
            (self.rate, gates.policy_success_min),
            (self.lower, gates.policy_success_lower_min),
        ]
        wanted = [(value, minimum) for value, minimum in rates if minimum is not None]
        return bool(wanted) and all(value >= minimum for value, minimum in wanted)


def play_once(env: gymnasium.Env[Any, Any], policy: Policy, seed: int) -> Played:
    """The environment's episode of `seed`."""
    policy.forget()
    observation, info = env.reset(seed=seed)
    rows, total, over = [], 0.0, False
    while not over:
        rows.append(as_vector(observation))
        answer = policy.act(given_to_policy(policy.spec, rows[-1], image_of(observation)))
        observation, reward, terminated, truncated, info = env.step(np.concatenate(list(answer.values())))
        total, over = total + float(reward), terminated or truncated
    return Played(is_success(info), total, np.stack(rows))


def assess(players: Players, trained: ExportablePolicy, episodes: int, gates: Gates | None) -> Assessment:
    """Play up to `episodes` held-out episodes; those that cannot change the gates' verdict any more are left out.

    Without gates there is no verdict, and all are played.
    """
    played = list[Played]()
    with one_thread(), closing(_held_out(players, trained, episodes)) as coming:
        for one in coming:
            played.append(one)
            failures = sum(not one.success for one in played)
            at_best = Assessment(episodes - failures, episodes, 0.0)
            if gates and len(played) >= SCREENING and not at_best.passes(gates):
                break
    returns = [one.total_reward for one in played]
    return Assessment(len(played) - failures, len(played), float(np.mean(returns)))


def visited(players: Players, trained: ExportablePolicy, episodes: int) -> NDArray[np.float32]:
    """Observations of held-out episodes, float32 [N, observation]: export compares torch and ONNX on them."""
    with one_thread():
        return np.concatenate([one.observations for one in _held_out(players, trained, episodes)])


def _held_out(players: Players, trained: ExportablePolicy, episodes: int) -> Generator[Played]:
    seeds = range(HELD_OUT_SEED, HELD_OUT_SEED + episodes)
    yield from players.each(_play_trained, trained, seeds)


def _play_trained(env: gymnasium.Env[Any, Any], trained: ExportablePolicy, seed: int) -> Played:
    return play_once(env, as_played(trained), seed)
