"""What a policy of action chunks learns from: each state of a demonstration with the actions of the next periods."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trunnion_contract.errors import BadInput
from trunnion_contract.manifest import PolicySpec
from trunnion_training.policy.demonstrations import Episode

# Images stay in memory as bytes, once in the episodes and once here.
IMAGES_MAX_BYTES = 2 << 30


@dataclass(frozen=True)
class Chunks:
    """Observations float32 [N, observation], what followed float32 [N, chunk, action], in SI units, and for how long.

    `keep`, bool [N, chunk], is False after the end of the episode, where the last action stands in. `images` is uint8
    [N, h, w, 3], for a policy that sees.
    """

    observations: Tensor
    plans: Tensor
    keep: Tensor
    images: Tensor | None = None

    @classmethod
    def of(cls, episodes: Sequence[Episode], chunk: int) -> Chunks:
        """All steps of some episodes."""
        parts = [_chunked(episode, chunk) for episode in episodes]
        observations, plans, keep = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        seen = [episode.images for episode in episodes if episode.images is not None]
        images = torch.from_numpy(np.concatenate(seen)) if seen else None
        return cls(torch.from_numpy(observations), torch.from_numpy(plans), torch.from_numpy(keep), images)

    def rows(self, chosen: Tensor | slice) -> Chunks:
        """Some of them."""
        images = None if self.images is None else self.images[chosen]
        return Chunks(self.observations[chosen], self.plans[chosen], self.keep[chosen], images)

    def to(self, device: str) -> Chunks:
        """The same, in the memory of a device."""
        images = None if self.images is None else self.images.to(device)
        return Chunks(self.observations.to(device), self.plans.to(device), self.keep.to(device), images)

    def batches(self, rows: int) -> Iterator[Chunks]:
        """All of them, in order, `rows` at a time."""
        for start in range(0, len(self.observations), rows):
            yield self.rows(slice(start, start + rows))


def _chunked(episode: Episode, chunk: int) -> tuple[Any, Any, Any]:
    steps = len(episode.actions)
    ahead = np.arange(steps)[:, None] + np.arange(chunk)[None]
    return episode.observations, episode.actions[np.minimum(ahead, steps - 1)], ahead < steps


def require_fit(spec: PolicySpec, episodes: Sequence[Episode]) -> None:
    """Refuse demonstrations that such a policy cannot learn from.

    Raises:
        BadInput: vectors or images have other sizes than the environment's, or the images would not fit into memory.
    """
    sizes = [sum(entry.size for entry in entries) for entries in (spec.observation, spec.action)]
    wanted = (
        f"{sizes[0]} and {sizes[1]}{_in_words(spec.image.shape[1:] if spec.image else None)}, "
        "as the environment has it"
    )
    for index, episode in enumerate(episodes):
        got = [episode.observations.shape[1], episode.actions.shape[1]]
        seen = None if episode.images is None else episode.images.shape[1:]
        if got != sizes or seen != (spec.image.shape[1:] if spec.image else None):
            raise BadInput(
                where=f"demonstration {index}",
                got=f"{got[0]} numbers observed and {got[1]} in an action{_in_words(seen)}",
                wanted=wanted,
                next_step="take demonstrations of this environment",
            )
    size = sum(episode.images.nbytes for episode in episodes if episode.images is not None)
    if size > IMAGES_MAX_BYTES:
        raise BadInput(
            where="the images of the demonstrations",
            got=f"{size / 2**20:.0f} MiB",
            wanted=f"{IMAGES_MAX_BYTES / 2**20:.0f} MiB at most, because they are learnt from in memory",
            next_step="ask for fewer demonstrations or smaller images",
        )


def _in_words(image: Sequence[int | str] | None) -> str:
    return f", with images of {list(image)}" if image else ""
