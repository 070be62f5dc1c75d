"""The section `tuning` says what is searched, and refuses what cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from trunnion_contract.errors import BadInput
from trunnion_contract.strict import parse
from trunnion_contract.tuning import Choosing, Dimension, Tuning

RATE = {"models.detector.learning_rate": {"log_uniform": [0.0001, 0.01]}}


def tuning(**section: Any) -> Tuning:
    return parse(Tuning, {"space": RATE, **section}, "tuning")


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"space": {}}, "at least one setting in `space`"),
        ({"space": {"prove.seed": {"choice": [1]}}}, "'prove.seed' is none of models.detector and models"),
        ({"space": {"models.detector.batch": {"choice": []}}}, "at least one value in `choice`"),
        ({"space": {"models.detector.batch": {}}}, "one of choice, uniform, log_uniform"),
        ({"space": {"models.detector.batch": {"uniform": [8, 4]}}}, r"\[lowest, highest\], in this order"),
        ({"space": {"models.detector.batch": {"log_uniform": [0, 4]}}}, "0 has no logarithm"),
        ({"space": {"models.detector.batch": {"choice": [4], "step": 2}}}, "a `step` with `uniform` only"),
        ({"objectives": []}, "at least 1 item"),
        ({"objectives": ["speed"]}, "'accuracy', 'latency' or 'success'"),
        ({"objectives": ["accuracy"], "choose": {"latency_max_ms": 9}}, "latency among the objectives"),
        ({"trial": 3}, "did you mean 'trials'"),
    ],
)
def test_what_cannot_be_searched_is_refused(section: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        tuning(**section)


def test_whole_bounds_mean_whole_numbers() -> None:
    assert Dimension(uniform=(2, 8)).whole
    assert Dimension(uniform=(256, 512), step=32).whole
    assert not Dimension(uniform=(0.0, 8)).whole


def test_limits_hold_whatever_is_measured() -> None:
    limits = Choosing(latency_max_ms=10, accuracy_min=0.5)
    assert limits.within({"latency": 10, "accuracy": 0.5})
    assert not limits.within({"latency": 10.1, "accuracy": 0.9})
    assert not limits.within({"latency": 1, "accuracy": 0.4})
