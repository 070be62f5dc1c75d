from __future__ import annotations

import numpy as np
import pytest

from trunnion_sim.expert import HOVER_M, OPEN_M, SPEED_MAX_MPS, expert_action

TARGET, PLACE = np.array([0.5, 0.05, 0.014]), np.array([0.5, 0.225, 0.12])


def _act(gripper: np.ndarray, opening_m: float = OPEN_M, grasped: bool = False) -> np.ndarray:
    return expert_action(
        np.concatenate([gripper, [opening_m], [float(grasped)], TARGET, PLACE]).astype(np.float32)
    )


def _beside(x_m: float, y_m: float, z_m: float) -> np.ndarray:
    return TARGET + np.array([x_m, y_m, z_m])


def test_far_away_the_hand_comes_with_open_fingers() -> None:
    action = _act(_beside(0.0, -0.15, 0.15))
    assert action[1] > 0.1
    assert action[3] == pytest.approx(OPEN_M)


def test_the_hand_does_not_come_down_beside_the_part() -> None:
    assert _act(_beside(0.03, 0.0, HOVER_M))[2] == pytest.approx(0.0, abs=0.01)
    assert _act(_beside(0.0, 0.0, HOVER_M))[2] < -0.1


def test_a_low_hand_rises_before_it_moves_sideways() -> None:
    action = _act(_beside(0.1, 0.0, 0.0))
    assert action[2] > 0.2
    assert abs(action[0]) < 0.05


def test_the_fingers_close_on_the_part_and_stay_closed_when_pushed() -> None:
    assert _act(TARGET)[3] == 0
    assert _act(_beside(0.015, 0.0, 0.0), opening_m=0.03)[3] == 0
    assert _act(_beside(0.015, 0.0, 0.0), opening_m=OPEN_M)[3] > 0.05


def test_a_held_part_is_lifted_before_it_is_carried() -> None:
    action = _act(TARGET, opening_m=0.03, grasped=True)
    assert action[2] > 0.2
    assert np.abs(action[:2]).max() < 0.02
    assert action[3] == 0


def test_the_part_is_let_go_over_the_bin() -> None:
    assert _act(PLACE, opening_m=0.03, grasped=True)[3] == pytest.approx(OPEN_M)
    assert np.linalg.norm(_act(PLACE, opening_m=0.04)[:3]) == 0, "the hand waits until the part is free"


def test_the_expert_is_a_smooth_function_of_what_it_sees() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        gripper = rng.uniform((0.35, -0.28, 0.01), (0.65, 0.28, 0.28))
        opening_m, grasped = float(rng.uniform(0, 0.08)), bool(rng.random() < 0.5)
        near = gripper + rng.normal(size=3) * 1e-5
        change = np.abs(_act(near, opening_m, grasped) - _act(gripper, opening_m, grasped))
        assert change[:3].max() < 0.01
        assert change[3] < 0.001


def test_the_expert_never_asks_for_more_than_its_speed() -> None:
    rng = np.random.default_rng(1)
    for _ in range(300):
        action = _act(rng.uniform(-1, 1, 3), float(rng.uniform(0, 0.08)), bool(rng.random() < 0.5))
        assert np.linalg.norm(action[:3]) <= SPEED_MAX_MPS * 1.0001
        assert 0 <= action[3] <= OPEN_M
