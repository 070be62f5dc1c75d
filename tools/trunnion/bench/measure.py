"""A figure of the bench, and fair timing: what is compared takes turns in one process, and medians are reported."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """One line of `--json FILE`.

    Attributes:
        against: the floor that `value` is held against, in words.
        n: how many measurements the median is of.
        spread: distance between the quartiles, in the unit of `value`.
    """

    name: str
    value: float
    unit: str
    against: str
    n: int
    spread: float

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def taking_turns(n: int, *functions: Callable[[], object], warm_up: int = 2) -> list[list[float]]:
    """Seconds of `n` calls of each function.

    They take turns, so that a slow moment of the machine hits all alike, and the first changes from turn to turn.
    """
    seconds: list[list[float]] = [[] for _ in functions]
    for turn in range(warm_up + n):
        for place in range(len(functions)):
            index = (turn + place) % len(functions)
            began_s = time.perf_counter()
            functions[index]()
            if turn >= warm_up:
                seconds[index].append(time.perf_counter() - began_s)
    return seconds


def ratio_row(name: str, seconds: list[list[float]], against: str) -> Row:
    """Median of the first over median of the second; the spread is that of the ratios of each turn."""
    ours_s, floor_s = seconds
    value = statistics.median(ours_s) / statistics.median(floor_s)
    ratios = [ours / floor for ours, floor in zip(ours_s, floor_s, strict=True)]
    return Row(name, round(value, 4), "ratio", against, len(ratios), round(spread(ratios), 4))


def median_row(name: str, values: list[float], unit: str, against: str) -> Row:
    """The median of the values."""
    return Row(
        name, round(statistics.median(values), 4), unit, against, len(values), round(spread(values), 4)
    )


def percentile_rows(name: str, values_ms: Sequence[float], against: str) -> list[Row]:
    """`<name>.p50_ms`, `.p95_ms` and `.p99_ms` of at least two values."""
    hundredths = statistics.quantiles(values_ms, n=100, method="inclusive")
    between = round(spread(list(values_ms)), 4)
    return [
        Row(
            f"{name}.p{percent}_ms", round(hundredths[percent - 1], 4), "ms", against, len(values_ms), between
        )
        for percent in (50, 95, 99)
    ]


def spread(values: list[float]) -> float:
    """Distance between the quartiles; 0 for a single value."""
    if len(values) < 2:
        return 0.0
    low, _, high = statistics.quantiles(values, n=4)
    return high - low
