"""What the environments share: spaces of vectors that are described by entries, and choices among names."""

from __future__ import annotations

import gymnasium as gym
import numpy as np

from trunnion_contract.errors import BadInput
from trunnion_contract.manifest import Entry

OBSERVATION_TYPES = ("state", "pixels")
REWARD_TYPES = ("sparse", "dense")


def box(entries: tuple[Entry, ...]) -> gym.spaces.Box:
    """The space of a float32 vector of these entries, in order."""
    sizes = [entry.size for entry in entries]
    low = np.repeat([entry.low for entry in entries], sizes).astype(np.float32)
    high = np.repeat([entry.high for entry in entries], sizes).astype(np.float32)
    return gym.spaces.Box(low, high, dtype=np.float32)


def one_of(name: str, got: str, wanted: tuple[str, ...]) -> None:
    """Raise BadInput where the argument `name` is none of the names that are `wanted`."""
    if got not in wanted:
        raise BadInput(where=name, got=repr(got), wanted=" or ".join(wanted), next_step=f"correct {name}")
