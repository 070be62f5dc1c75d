"""The proving ground: the simulated cell, its Gymnasium environments, synthetic data and proofs."""

from __future__ import annotations

import gymnasium

SORTING_CELL_ID = "trunnion/SortingCell-v0"
REACH_ID, PUSH_ID, PICK_AND_PLACE_ID = "trunnion/Reach-v0", "trunnion/Push-v0", "trunnion/PickAndPlace-v0"
# Where each environment is, and after how many steps its episodes are cut off.
ENVIRONMENTS = {
    SORTING_CELL_ID: ("trunnion_sim.env:SortingCellEnv", 200),
    REACH_ID: ("trunnion_sim.tasks.reach:ReachEnv", 50),
    PUSH_ID: ("trunnion_sim.tasks.push:PushEnv", 50),
    PICK_AND_PLACE_ID: ("trunnion_sim.tasks.pick_and_place:PickAndPlaceEnv", 50),
}


def register_envs() -> None:
    """Make the environments known to Gymnasium; calling it again changes nothing."""
    for env_id, (entry_point, steps_max) in ENVIRONMENTS.items():
        if env_id not in gymnasium.registry:
            gymnasium.register(env_id, entry_point=entry_point, max_episode_steps=steps_max)


register_envs()
