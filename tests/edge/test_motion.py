"""Straight-line motion."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from trunnion_contract.cell import MotionLimits
from trunnion_edge.limits import Limiter
from trunnion_edge.motion import toward


def test_it_goes_straight_at_the_goal_with_speed_to_spare(limits: MotionLimits) -> None:
    velocity = toward((0.4, 0, 0.1), (0.6, 0.2, 0.1), limits)
    np.testing.assert_allclose(velocity, [0.48 / 2**0.5, 0.48 / 2**0.5, 0])


def test_at_the_goal_it_stands(limits: MotionLimits) -> None:
    np.testing.assert_array_equal(toward((0.4, 0, 0.1), (0.4, 0, 0.1), limits), np.zeros(3))


@pytest.mark.parametrize("goal", [(0.35, -0.35, 0.05), (0.65, 0.35, 0.45), (0.5, 0.01, 0.25)])
def test_with_the_limiter_it_arrives_without_overshoot(
    limits: MotionLimits, goal: tuple[float, float, float]
) -> None:
    limiter, position = Limiter(limits), np.array((0.5, 0.0, 0.25))
    distances = []
    for _ in range(80):
        velocity = toward(position, goal, limits)
        position = (
            position
            + limiter.limit(velocity, 0.08, position_base_m=position, dt_s=0.05).velocity_base_mps * 0.05
        )
        distances.append(float(np.linalg.norm(position - goal)))
    assert distances[-1] < 1e-3
    assert all(after <= before for before, after in pairwise(distances))
