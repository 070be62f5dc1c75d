"""Grids and samplers: how one scenario of a suite stands for many cells, or for another cell in every episode."""

from __future__ import annotations

import zlib
from itertools import pairwise
from typing import Annotated, Any

import numpy as np
from pydantic import Field, SerializerFunctionWrapHandler, create_model, model_serializer, model_validator

from trunnion_contract.strict import Strict
from trunnion_sim.conditions import Conditions

_NUMBERS = (int, float)


class Sparse(Strict):
    """A contract of which only what is said is written down."""

    @model_serializer(mode="wrap")
    def _what_is_said(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in plain(self).items() if value is not None}

    def __reduce__(self) -> tuple[Any, ...]:
        # Workers get scenarios by pickling, which finds no classes that were made for one key.
        return type(self).model_validate, (self.model_dump(),)

    def said(self) -> dict[str, Any]:
        """The keys that are said, with what is said of them."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: value for name, value in fields.items() if value is not None}


class Choice(Sparse):
    """One of these values, each as likely."""

    choice: tuple[Any, ...] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Choice:
        said = self.said()
        if len(said) != 1:
            raise ValueError(f"one of {', '.join(type(self).model_fields)}")
        return self

    def draw(self, rng: np.random.Generator) -> Any:
        """One value."""
        assert self.choice is not None, "one of the keys is said"
        return self.choice[int(rng.integers(len(self.choice)))]


class Sampler(Choice):
    """How a number is drawn: evenly between two bounds, evenly between their logarithms, or from a list."""

    uniform: tuple[Any, Any] | None = None
    log_uniform: tuple[Any, Any] | None = None

    @model_validator(mode="after")
    def _bounds_are_in_order(self) -> Sampler:
        low, high = self.bounds or (0, 1)
        if low >= high:
            raise ValueError("[lowest, highest], in this order and not equal")
        if self.log_uniform and low <= 0:
            raise ValueError("bounds above 0, because 0 has no logarithm")
        return self

    @property
    def bounds(self) -> tuple[Any, Any] | None:
        """Lowest and highest; None for a choice."""
        return self.uniform or self.log_uniform

    def draw(self, rng: np.random.Generator) -> Any:
        """One value; whole numbers for a key that counts something, both bounds included."""
        if self.bounds is None:
            return super().draw(rng)
        low, high = self.bounds
        if self.log_uniform:
            value = float(np.exp(rng.uniform(np.log(low), np.log(high))))
            return min(max(round(value) if isinstance(low, int) else value, low), high)
        return int(rng.integers(low, high + 1)) if isinstance(low, int) else float(rng.uniform(low, high))


def stream(seed: int, purpose: str) -> np.random.Generator:
    """Random numbers for one purpose in the episode of `seed`: what else is drawn there changes none of them."""
    return np.random.default_rng([seed, zlib.crc32(purpose.encode())])


def _value_of(name: str) -> Any:
    """The type of a key of the conditions, with the bounds of its values."""
    return Conditions.model_fields[name].rebuild_annotation()


def _sampler_of(name: str) -> Any:
    value, title = _value_of(name), name.title().replace("_", "")
    choice = (Annotated[tuple[value, ...], Field(min_length=1)] | None, None)
    if not isinstance(Conditions.model_fields[name].default, _NUMBERS):
        return create_model(f"{title}Choice", __base__=Choice, choice=choice)
    pair = (tuple[value, value] | None, None)
    return create_model(f"{title}Sampler", __base__=Sampler, choice=choice, uniform=pair, log_uniform=pair)


DRAWN = tuple(
    name for name, field in Conditions.model_fields.items() if isinstance(field.default, (*_NUMBERS, str))
)
# A field for each key, so that unknown keys and values that cannot be are refused where they stand.
Draws: Any = create_model(
    "Draws",
    __base__=Sparse,
    __doc__="How keys are drawn, anew for every episode, from its seed.",
    **{name: (_sampler_of(name) | None, None) for name in DRAWN},
)
Grid: Any = create_model(
    "Grid",
    __base__=Sparse,
    __doc__="Values of keys; a scenario is played with each combination of them.",
    **{
        name: (Annotated[tuple[_value_of(name), ...], Field(min_length=1)] | None, None)
        for name in Conditions.model_fields
    },
)


def cell_name(name: str, cell: dict[str, Any]) -> str:
    """The name of a scenario in one cell of its grid, such as `dusk_light_0p4_noise_8`."""
    return "_".join([name, *(f"{key}_{_in_a_name(value)}" for key, value in cell.items())])


def _in_a_name(value: Any) -> str:
    if isinstance(value, tuple):
        return "_".join(_in_a_name(item) for item in value)
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text.replace("-", "m").replace("+", "").replace(".", "p").lower()


def doubled(values: tuple[Any, ...]) -> bool:
    """Whether a value stands there twice."""
    ordered = sorted(values, key=repr)
    return any(one == other for one, other in pairwise(ordered))
