"""Observations of environments as what a policy takes: one vector, and the image where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trunnion_contract.manifest import PolicySpec

# What has been achieved is left out: it is a function of the state, which the observation holds.
PARTS = ("observation", "desired_goal")


def as_vector(observation: Mapping[str, Any] | NDArray[Any]) -> NDArray[np.float32]:
    """`observation` then `desired_goal` of a mapping, and a plain array as it is; float32 [n].

    Raises:
        KeyError: a mapping without one of the two; a goal may be missing beside an image, which can show it.
    """
    if isinstance(observation, Mapping):
        without_goal = PARTS[1] not in observation and image_names(observation)
        parts = [np.ravel(observation[part]) for part in (PARTS[:1] if without_goal else PARTS)]
        return np.concatenate(parts).astype(np.float32, copy=False)
    return np.asarray(observation, np.float32)


def image_names(observation: Any) -> list[str]:
    """What is an image, uint8 [h, w, 3], in a mapping of arrays, or of spaces."""
    if not isinstance(observation, Mapping):
        return []
    return [name for name, one in observation.items() if one.dtype == np.uint8 and len(one.shape) == 3]


def image_of(observation: Any) -> NDArray[np.uint8] | None:
    """The image of an observation; None where there is none."""
    names = image_names(observation)
    return observation[names[0]] if names else None


def given_to_policy(
    spec: PolicySpec, vector: NDArray[np.float32], image: NDArray[np.uint8] | None
) -> dict[str, NDArray[Any]]:
    """What `Policy.act` takes: the entries of the vector by name, and the image for a policy that sees."""
    given: dict[str, NDArray[Any]] = {}
    start = 0
    for entry in spec.observation:
        given[entry.name] = vector[start : start + entry.size]
        start += entry.size
    if spec.image and image is not None:
        given[spec.image.name] = image
    return given
