"""Options of an environment: what it does not take is refused with what it takes."""

from __future__ import annotations

from typing import Any

import pytest

from trunnion_contract.environment_options import creation_arguments, takes_a_cell
from trunnion_contract.errors import BadInput
from trunnion_contract.policy_training import PolicyTraining
from trunnion_contract.strict import parse


def made(*, reward_type: str = "sparse", image_size_px: int = 84, render_mode: str | None = None) -> None:
    """What an environment is made by."""


def made_in_a_cell(layout: Any = None, **others: Any) -> None:
    """One that takes a cell, and hands on what it does not know."""


def made_of_nothing() -> None:
    """One without options."""


def test_options_are_given_as_they_are() -> None:
    assert creation_arguments(made, "a/B-v0", {"reward_type": "dense"}) == {"reward_type": "dense"}


def test_an_entry_point_is_found_by_its_name() -> None:
    entry_point = f"{__name__}:made"
    assert creation_arguments(entry_point, "a/B-v0", {"image_size_px": 32}) == {"image_size_px": 32}
    assert not takes_a_cell(entry_point)


def test_the_cell_goes_to_an_environment_that_takes_one() -> None:
    cell: Any = object()
    assert creation_arguments(made_in_a_cell, "a/B-v0", {"speed": 2}, cell) == {"speed": 2, "layout": cell}
    assert creation_arguments(made, "a/B-v0", {}, cell) == {}


@pytest.mark.parametrize(
    ("create", "name", "message"),
    [
        (made, "reward_typ", r"a/B-v0: got an unknown option 'reward_typ', wanted one of image_size_px, reward_type"),
        (made, "reward_typ", r"did you mean 'reward_type'\?"),
        (made, "render_mode", "unknown option 'render_mode'"),
        (made_in_a_cell, "layout", "unknown option 'layout'"),
        (made_of_nothing, "speed", "the environment takes none"),
    ],
)  # fmt: skip
def test_an_option_that_it_does_not_take_is_refused(create: Any, name: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        creation_arguments(create, "a/B-v0", {name: "x"})


@pytest.mark.parametrize("value", [None, [1], {"a": 1}, float("nan")])
def test_an_option_that_is_not_plain_is_refused(value: Any) -> None:
    settings = {"env": "a/B-v0", "demonstrations": 1, "epochs": 1, "env_options": {"size": value}}
    with pytest.raises(BadInput, match=r"env_options.size: .*wanted a number, a text, true or false"):
        parse(PolicyTraining, settings, "cell.yaml")
