"""The policy's network: SI units at both ends, in torch and in ONNX."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from trunnion_contract.errors import BadInput
from trunnion_contract.manifest import Entry, PolicySpec
from trunnion_contract.tensor import TensorSpec
from trunnion_edge.backends import EngineSettings, open_engine
from trunnion_training.policy.network import PolicyNetwork, Scale, Squash, position_pairs

ENTRIES = (
    Entry(name="gripper_base_m", size=3, unit="m", low=-1, high=1),
    Entry(name="opening_m", size=1, unit="m", low=0, high=0.08),
    Entry(name="target_base_m", size=3, unit="m", low=-1, high=1),
)


SPEC = PolicySpec(
    input=TensorSpec(name="observation", dtype="float32", shape=("N", 7)),
    output=TensorSpec(name="action", dtype="float32", shape=("N", 2)),
    observation=ENTRIES,
    action=(
        Entry(name="speed_mps", size=1, unit="m/s", low=-0.4, high=0.4),
        Entry(name="opening_m", size=1, unit="m", low=-0.08, high=0.08),
    ),
    rate_hz=20,
)


def network(seed: int = 0, squash: Squash = "clip") -> PolicyNetwork:
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    observations = rng.normal(0.3, 0.2, (200, 7)).astype(np.float32)
    actions = rng.normal(0, 0.5, (200, 2)).astype(np.float32)
    ones = np.ones(7, np.float32)
    limits = np.array([0.4, 0.08], np.float32)
    scales = Scale.of(observations, -ones, ones), Scale.of(actions, -limits, limits)
    return PolicyNetwork(SPEC, *scales, (32, 32), position_pairs(ENTRIES), squash).eval()


def test_positions_are_paired_and_widths_are_not() -> None:
    assert position_pairs(ENTRIES) == (((0, 1, 2), (4, 5, 6)),)


@pytest.mark.parametrize("squash", ["clip", "tanh"])
def test_actions_stay_in_their_range(squash: Squash) -> None:
    policy = network(squash=squash)
    policy.action_mean.zero_()
    policy.action_spread.copy_(policy.action_high)
    with torch.no_grad():
        policy.layers[-1].weight.mul_(100)
    actions = policy.act(np.random.default_rng(1).normal(0, 50, (500, 7)).astype(np.float32))
    assert np.abs(actions[:, 0]).max() == pytest.approx(0.4)
    assert np.abs(actions[:, 1]).max() == pytest.approx(0.08)


def test_an_entry_that_never_changed_is_not_divided_by_nothing() -> None:
    constant = Scale.of(np.full((50, 7), 0.1, np.float32), *[np.ones(7, np.float32)] * 2)
    assert (constant.spread > 0).all()


def test_two_positions_in_one_place_have_a_finite_slope() -> None:
    policy, observation = network(), torch.zeros(1, 7)
    policy.scaled_action(observation.requires_grad_()).sum().backward()
    assert torch.isfinite(observation.grad).all()


@pytest.mark.parametrize("squash", ["clip", "tanh"])
def test_onnx_takes_and_gives_si_units_for_any_number_of_rows(tmp_path: Path, squash: Squash) -> None:
    policy = network(squash=squash)
    policy.export_onnx(tmp_path / "policy.onnx", opset=17)
    rows = np.random.default_rng(2).uniform(-1, 1, (9, 7)).astype(np.float32)
    with open_engine(tmp_path / "policy.onnx", EngineSettings(threads=1, device="cpu")) as engine:
        for part in (rows[:1], rows):
            answer = engine.infer({"observation": part})["action"]
            np.testing.assert_allclose(answer, policy.act(part), atol=1e-6)


@pytest.mark.parametrize("squash", ["clip", "tanh"])
def test_what_was_saved_acts_the_same(tmp_path: Path, squash: Squash) -> None:
    policy, rows = network(squash=squash), np.random.default_rng(3).uniform(-1, 1, (9, 7)).astype(np.float32)
    policy.save(tmp_path / "policy.pt")
    np.testing.assert_array_equal(
        PolicyNetwork.load(tmp_path / "policy.pt", SPEC).act(rows), policy.act(rows)
    )


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 cut short", b"\x80\x02c__builtin__\nprint\n"])
def test_a_damaged_policy_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "policy.pt").write_bytes(data)
    with pytest.raises(BadInput, match="does not load"):
        PolicyNetwork.load(tmp_path / "policy.pt", SPEC)
