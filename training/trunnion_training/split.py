"""Splitting by scene: deterministic, near the wanted shares, and never with one scene on both sides of a line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import get_args

from trunnion_contract.dataset import SplitName
from trunnion_contract.errors import BadInput
from trunnion_contract.files import digest_bytes
from trunnion_contract.usecase import Split

SPLITS: tuple[SplitName, ...] = get_args(SplitName)


def split_by_scene(scenes: Sequence[str], shares: Split) -> list[SplitName]:
    """The split of each image, given the scene of each image.

    Scenes are drawn in an order that depends on the seed and on their names alone, the largest first, and each goes to
    the split that lacks most: exact where scenes are single images, as near as whole scenes allow otherwise.

    Raises:
        BadInput: there are fewer than three scenes.
    """
    members: dict[str, int] = defaultdict(int)
    for scene in scenes:
        members[scene] += 1
    if len(members) < len(SPLITS):
        raise BadInput(
            where="data.split", got=f"{len(members)} scene(s) with usable images", wanted="three or more",
            next_step="look at what cleaning dropped (cleaning.json), and add images",
        )  # fmt: skip
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


def _wanted(total: int, shares: Split) -> dict[SplitName, int]:
    val, test = max(1, round(total * shares.val)), max(1, round(total * shares.test))
    return {"train": max(1, total - val - test), "val": val, "test": test}


def _fill_empty(chosen: dict[str, SplitName], order: Sequence[str]) -> None:
    """Give a split that stayed empty, because scenes are large, the smallest scene of the richest split."""
    for name in SPLITS:
        holders = {split: [scene for scene in order if chosen[scene] == split] for split in SPLITS}
        if not holders[name]:
            chosen[max(holders.values(), key=len)[-1]] = name
