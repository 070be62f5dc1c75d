"""The proving ground: the simulated cell, its Gymnasium environment, synthetic data and proofs."""

from __future__ import annotations

import gymnasium

SORTING_CELL_ID = "trunnion/SortingCell-v0"
_MAX_STEPS = 200


def register_envs() -> None:
    """Make the environments known to Gymnasium; calling it again changes nothing."""
    if SORTING_CELL_ID not in gymnasium.registry:
        gymnasium.register(
            SORTING_CELL_ID, entry_point="trunnion_sim.env:SortingCellEnv", max_episode_steps=_MAX_STEPS
        )


register_envs()
