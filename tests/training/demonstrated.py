"""Demonstrations that tests write in one form and read in another."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from trunnion_contract.manifest import Entry
from trunnion_training.policy.exchange.demonstrated import Demonstrated
from trunnion_training.policy.recorded_episode import ImageForm, RecordedEpisode
from trunnion_training.policy.recording_form import RecordingHeader

HEADER = RecordingHeader(
    schema=1,
    env="tests/Point-v0",
    env_package="point_cell",
    rate_hz=20.0,
    observation=(
        Entry(name="point_m", size=2, unit="m", low=-1, high=1),
        Entry(name="target_m", size=2, unit="m", low=-1, high=1),
    ),
    action=(
        Entry(name="velocity_mps", size=2, unit="m/s", low=-1, high=1),
        Entry(name="opening_m", size=1, unit="m", low=0, high=0.08),
    ),
    seed=3,
)
SUCCESSES = (True, False, None)


def picture(seed: int, encoding: str = "png", size: tuple[int, int] = (16, 8)) -> bytes:
    """An encoded picture of noise."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format=encoding)
    return buffer.getvalue()


def episodes(images: bool = False) -> tuple[RecordedEpisode, ...]:
    """Three episodes, of success, of failure, and of which nobody said it."""
    rng, made = np.random.default_rng(0), []
    for index, success in enumerate(SUCCESSES):
        steps = 5 + index
        rows = [rng.uniform(-1, 1, (steps, size)).astype(np.float32) for size in HEADER.sizes]
        seen = tuple(picture(10 * index + frame) for frame in range(steps)) if images else None
        made.append(RecordedEpisode(rows[0], rows[1], success, seen))
    return tuple(made)


def demonstrated(images: bool = False) -> Demonstrated:
    """Those episodes under their header."""
    form = ImageForm(encoding="png", width_px=16, height_px=8) if images else None
    return Demonstrated(HEADER.model_copy(update={"image": form}), episodes(images))


def same(a: RecordedEpisode, b: RecordedEpisode) -> bool:
    """Bit by bit: also the sign of zero."""
    return (a.observations.tobytes(), a.actions.tobytes(), a.success, a.images) == (
        b.observations.tobytes(),
        b.actions.tobytes(),
        b.success,
        b.images,
    )
