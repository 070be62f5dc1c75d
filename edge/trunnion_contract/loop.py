"""Software in the loop: the same episodes in one process and through the ROS 2 nodes, side by side."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from trunnion_contract.proof import Rate
from trunnion_contract.strict import Strict

# Below this, what happened is too improbable for two that are equal.
ALPHA = 0.05


class LoopScenario(Strict):
    """One scenario, played twice with the same seeds.

    Attributes:
        in_process: of the proof, restricted to these seeds.
        in_ros: through the nodes.
        failed_in_ros: seeds that succeeded in the proof and failed through the nodes.
        failed_in_process: the other way round.
        p_value: of McNemar's exact test, two-sided.
        median_time_s: of the successes, in simulated seconds: in the proof, and through the nodes.
    """

    name: str
    in_process: Rate
    in_ros: Rate
    failed_in_ros: tuple[int, ...]
    failed_in_process: tuple[int, ...]
    p_value: float = Field(ge=0, le=1)
    median_time_s: tuple[float | None, float | None]

    @property
    def agrees(self) -> bool:
        """Whether the difference is within noise."""
        return self.p_value >= ALPHA


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
