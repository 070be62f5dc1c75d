"""Red and blue exchanged: suspected where a source is as blue as the others are red, or one picture is of another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trunnion_training.dataset_files import Written

_IMAGES_MIN = 10
# Of 255: below this, pictures are too grey for their colours to say anything.
_TINT_MIN = 4.0


@dataclass(frozen=True)
class Tint:
    """The mean colour of a source, and whether red and blue may be exchanged in it."""

    source: str
    images: int
    mean_rgb: tuple[float, float, float]
    suspicious: bool


def tints(written: Sequence[Written]) -> list[Tint]:
    """The tint of each source; one of fewer than ten images is not judged, nor is the only one."""
    means = defaultdict(list)
    for item in written:
        means[item.source].append(item.image.seen.mean_rgb)
    red_over_blue = {
        source: float(np.mean([rgb[0] - rgb[2] for rgb in values])) for source, values in means.items()
    }
    judged = {source: red_over_blue[source] for source, values in means.items() if len(values) >= _IMAGES_MIN}
    return [
        Tint(source, len(values), _mean(values), source in judged and _is_exchanged(source, judged))
        for source, values in sorted(means.items())
    ]


def exchanged_twins(written: Sequence[Written], groups: Sequence[Sequence[int]]) -> list[tuple[str, str]]:
    """Files of look-alikes whose colours agree only once red and blue are exchanged."""
    found = []
    for group in groups:
        first = np.array(written[group[0]].image.seen.mean_rgb)
        for other in group[1:]:
            second = np.array(written[other].image.seen.mean_rgb)
            as_is, exchanged = np.abs(first - second).max(), np.abs(first - second[::-1]).max()
            if abs(first[0] - first[2]) > _TINT_MIN and exchanged < as_is / 3:
                found.append((written[group[0]].file, written[other].file))
    return found


def _is_exchanged(source: str, judged: dict[str, float]) -> bool:
    others = [tint for name, tint in judged.items() if name != source]
    if not others:
        return False
    usual, mine = float(np.median(others)), judged[source]
    return min(abs(usual), abs(mine)) > _TINT_MIN and abs(mine + usual) < abs(mine - usual) / 3


def _mean(values: Sequence[tuple[float, float, float]]) -> tuple[float, float, float]:
    red, green, blue = np.mean(values, axis=0).round(1).tolist()
    return red, green, blue
