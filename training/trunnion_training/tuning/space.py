"""The space of a use case as Optuna wants it, and proposals as a person wants to read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from trunnion_contract.tuning import Dimension, Value

# What is tried is what is written down.
_DIGITS = 4


def distributions(space: Mapping[str, Dimension]) -> dict[str, BaseDistribution]:
    """Setting to what it is drawn from."""
    return {setting: _distribution(dimension) for setting, dimension in space.items()}


def readable(space: Mapping[str, Dimension], proposed: Mapping[str, Any]) -> dict[str, Value]:
    """Numbers of four digits, still within their bounds."""
    return {setting: _rounded(dimension, proposed[setting]) for setting, dimension in space.items()}


def _distribution(dimension: Dimension) -> BaseDistribution:
    if dimension.choice is not None:
        return CategoricalDistribution(dimension.choice)
    assert dimension.bounds is not None, "what is no choice has bounds"
    low, high = dimension.bounds
    log = dimension.log_uniform is not None
    if dimension.whole:
        return IntDistribution(int(low), int(high), log=log, step=int(dimension.step or 1))
    return FloatDistribution(low, high, log=log, step=dimension.step)


def _rounded(dimension: Dimension, value: Any) -> Any:
    if dimension.bounds is None or dimension.step is not None or not isinstance(value, float):
        return value
    low, high = dimension.bounds
    return float(min(max(float(f"{value:.{_DIGITS}g}"), low), high))
