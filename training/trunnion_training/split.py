"""Splitting by scene, source or time: deterministic, near the wanted shares, and never with one scene on both sides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from trunnion_contract.data_sources import Split
from trunnion_contract.dataset import SplitName
from trunnion_contract.errors import BadInput
from trunnion_contract.files import digest_bytes
from trunnion_training.cleaning import CleanImage

SPLITS: tuple[SplitName, ...] = get_args(SplitName)


def assign_splits(images: Sequence[CleanImage], shares: Split) -> list[SplitName]:
    """The split of each image, as `shares.by` says.

    Raises:
        BadInput: there are fewer than three scenes (or sources), or an image does not say when it was taken.
    """
    if shares.by == "source":
        return split_by_scene([image.scene.partition("/")[0] for image in images], shares, "source")
    if shares.by == "time":
        return split_by_time(images, shares)
    return split_by_scene([image.scene for image in images], shares)


def split_by_scene(scenes: Sequence[str], shares: Split, what: str = "scene") -> list[SplitName]:
    """The split of each image, given the scene of each image.

    Scenes are drawn in an order that depends on the seed and on their names alone, the largest first, and each goes to
    the split that lacks most: exact where scenes are single images, as near as whole scenes allow otherwise.

    Raises:
        BadInput: there are fewer than three scenes.
    """
    members = _members(scenes, what)
    order = sorted(
        members, key=lambda scene: (-members[scene], digest_bytes(f"{shares.seed}/{scene}".encode()))
    )
    lacking = _wanted(len(scenes), shares)
    chosen: dict[str, SplitName] = {}
    for scene in order:
        name = max(SPLITS, key=lambda split: lacking[split])
        chosen[scene] = name
        lacking[name] -= members[scene]
    _fill_empty(chosen, order)
    return [chosen[scene] for scene in scenes]


def split_by_time(images: Sequence[CleanImage], shares: Split) -> list[SplitName]:
    """The oldest scenes are trained on, newer ones are for validation, and the newest are the test.

    Raises:
        BadInput: there are fewer than three scenes, or an image does not say when it was taken.
    """
    members = _members([image.scene for image in images], "scene")
    began_s = {scene: float("inf") for scene in members}
    for image in images:
        if image.recorded_s is None:
            raise BadInput(
                where="data.split.by: time", got=f"{image.name}, which does not say when it was taken",
                wanted="the time of every image",
                next_step="add a column `recorded` by the source's `metadata`, or split by scene",
            )  # fmt: skip
        began_s[image.scene] = min(began_s[image.scene], image.recorded_s)
    order = sorted(members, key=lambda scene: (began_s[scene], scene))
    ends = np.cumsum([members[scene] for scene in order]) / len(images)
    val = _cut(ends, shares.train, 1, len(order) - 2)
    test = _cut(ends, shares.train + shares.val, val + 1, len(order) - 1)
    chosen = {scene: SPLITS[(place >= val) + (place >= test)] for place, scene in enumerate(order)}
    return [chosen[image.scene] for image in images]


def _cut(ends: NDArray[np.float64], share: float, least: int, most: int) -> int:
    """How many scenes come before the cut that is nearest to `share` of the images."""
    return int(np.clip(np.abs(ends - share).argmin() + 1, least, most))


def _members(scenes: Sequence[str], what: str) -> dict[str, int]:
    members: dict[str, int] = defaultdict(int)
    for scene in scenes:
        members[scene] += 1
    if len(members) < len(SPLITS):
        raise BadInput(
            where="data.split", got=f"{len(members)} {what}(s) with usable images", wanted="three or more",
            next_step="look at what cleaning dropped (cleaning.json), and add images",
        )  # fmt: skip
    return members


def _wanted(total: int, shares: Split) -> dict[SplitName, int]:
    val, test = max(1, round(total * shares.val)), max(1, round(total * shares.test))
    return {"train": max(1, total - val - test), "val": val, "test": test}


def _fill_empty(chosen: dict[str, SplitName], order: Sequence[str]) -> None:
    """Give a split that stayed empty, because scenes are large, the smallest scene of the richest split."""
    for name in SPLITS:
        holders = {split: [scene for scene in order if chosen[scene] == split] for split in SPLITS}
        if not holders[name]:
            chosen[max(holders.values(), key=len)[-1]] = name
