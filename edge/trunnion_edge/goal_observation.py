"""Observations of goal-conditioned environments as the one vector that a policy takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

# What has been achieved is left out: it is a function of the state, which the observation holds.
PARTS = ("observation", "desired_goal")


def as_vector(observation: Mapping[str, Any] | NDArray[Any]) -> NDArray[np.float32]:
    """`observation` then `desired_goal` of a goal mapping, and a plain array as it is; float32 [n].

    Raises:
        KeyError: a mapping without one of the two.
    """
    if isinstance(observation, Mapping):
        parts = [np.ravel(observation[part]) for part in PARTS]
        return np.concatenate(parts).astype(np.float32, copy=False)
    return np.asarray(observation, np.float32)
