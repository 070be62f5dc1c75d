"""Software in the loop: the same episodes in one process and through the ROS 2 nodes, side by side."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field

from trunnion_contract.proof import Rate
from trunnion_contract.strict import Strict

# Of the two differing by luck alone.
CHANCE_MIN = 0.05


class LoopScenario(Strict):
    """One scenario, played twice with the same seeds.

    Attributes:
        in_process: of the proof, restricted to these seeds.
        in_ros: through the nodes.
        failed_in_ros: seeds that succeeded in the proof and failed through the nodes.
        failed_in_process: the other way round.
        median_time_s: of the successes, in simulated seconds: in the proof, and through the nodes.
    """

    name: str
    in_process: Rate
    in_ros: Rate
    failed_in_ros: tuple[int, ...]
    failed_in_process: tuple[int, ...]
    median_time_s: tuple[float | None, float | None]

    @property
    def chance(self) -> float:
        """How likely seeds would part at least as unevenly if the two did not differ: McNemar's exact test."""
        return mcnemar(len(self.failed_in_ros), len(self.failed_in_process))

    @property
    def agrees(self) -> bool:
        """Whether the difference is within noise."""
        return self.chance >= CHANCE_MIN


class LoopProof(Strict):
    """`loop.json`."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    name: str
    version: str
    bundle_sha256: str
    speed: float
    scenarios: tuple[LoopScenario, ...] = Field(min_length=1)

    @property
    def passed(self) -> bool:
        """Whether every difference is within noise."""
        return all(scenario.agrees for scenario in self.scenarios)


def mcnemar(only_first: int, only_second: int) -> float:
    """Two-sided exact p-value of McNemar's test (1947) for two counts of discordant pairs."""
    pairs, fewer = only_first + only_second, min(only_first, only_second)
    tail = math.fsum(math.comb(pairs, k) / 2.0**pairs for k in range(fewer + 1))
    return min(1.0, 2 * tail)
