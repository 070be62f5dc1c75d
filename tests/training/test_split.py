"""Splits: near the shares, the same every time, and no scene on two sides."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunnion_contract.data_sources import Split
from trunnion_contract.errors import BadInput
from trunnion_training.split import split_by_scene

DEMO = Split(train=0.55, val=0.116667, test=0.333333)


def test_single_image_scenes_give_the_exact_shares() -> None:
    assert Counter(split_by_scene([f"scene {i}" for i in range(600)], DEMO)) == {
        "train": 330,
        "val": 70,
        "test": 200,
    }


def test_pairs_give_the_exact_shares_where_those_are_even() -> None:
    assert Counter(split_by_scene([f"scene {i // 2}" for i in range(600)], DEMO)) == {
        "train": 330,
        "val": 70,
        "test": 200,
    }


def test_a_seed_gives_the_same_split_and_another_seed_another() -> None:
    scenes = [f"{i}" for i in range(60)]
    again = split_by_scene(scenes, DEMO)
    assert split_by_scene(scenes, DEMO) == again
    assert split_by_scene(scenes, DEMO.model_copy(update={"seed": 1})) != again


def test_the_split_of_a_scene_does_not_depend_on_the_order_of_the_images() -> None:
    scenes = [f"{i}" for i in range(60)]
    forward = dict(zip(scenes, split_by_scene(scenes, DEMO), strict=True))
    assert dict(zip(scenes[::-1], split_by_scene(scenes[::-1], DEMO), strict=True)) == forward


@given(st.lists(st.integers(0, 30), min_size=3, max_size=200), st.integers(0, 9))
def test_no_scene_is_divided_and_no_split_is_empty(scenes: list[int], seed: int) -> None:
    names = [f"scene {scene}" for scene in scenes]
    shares = DEMO.model_copy(update={"seed": seed})
    if len(set(names)) < 3:
        with pytest.raises(BadInput, match="three or more"):
            split_by_scene(names, shares)
        return
    splits = split_by_scene(names, shares)
    seen: dict[str, set[str]] = defaultdict(set)
    for name, split in zip(names, splits, strict=True):
        seen[name].add(split)
    assert all(len(sides) == 1 for sides in seen.values())
    assert set(splits) == {"train", "val", "test"}
