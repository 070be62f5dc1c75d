"""The network of ACT: plans in SI units, the same in torch and in ONNX."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from trunnion_contract.errors import BadInput
from trunnion_contract.manifest import Entry, PolicySpec
from trunnion_contract.tensor import TensorSpec
from trunnion_edge.backends import EngineSettings, open_engine
from trunnion_training.policy.act_network import ActForm, ActNetwork
from trunnion_training.policy.network import PolicyNetwork, Scale, position_pairs

ENTRIES = (
    Entry(name="gripper_base_m", size=3, unit="m", low=-1, high=1),
    Entry(name="opening_m", size=1, unit="m", low=0, high=0.08),
    Entry(name="target_base_m", size=3, unit="m", low=-1, high=1),
)
LIMITS = np.array([0.4, 0.08], np.float32)
SPEC = PolicySpec(
    input=TensorSpec(name="observation", dtype="float32", shape=("N", 7)),
    output=TensorSpec(name="action", dtype="float32", shape=("N", 5, 2)),
    observation=ENTRIES,
    action=(
        Entry(name="speed_mps", size=1, unit="m/s", low=-0.4, high=0.4),
        Entry(name="lift_m", size=1, unit="m", low=-0.08, high=0.08),
    ),
    rate_hz=20,
    chunk=5,
    replan_every=2,
)

pytestmark = pytest.mark.usefixtures("one_thread")


def scales() -> tuple[Scale, Scale]:
    rng = np.random.default_rng(0)
    observations = rng.normal(0.3, 0.2, (200, 7)).astype(np.float32)
    actions = rng.normal(0, 0.5, (200, 2)).astype(np.float32)
    ones = np.ones(7, np.float32)
    return Scale.of(observations, -ones, ones), Scale.of(actions, -LIMITS, LIMITS)


def network() -> ActNetwork:
    torch.manual_seed(0)
    form = ActForm(chunk=5, width=16, layers=2, heads=2)
    return ActNetwork(SPEC, *scales(), form, position_pairs(ENTRIES)).eval()


def batch(rows: int = 4) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Observations, scaled plans, and which of their periods are within the episode."""
    generator = torch.Generator().manual_seed(1)
    keep = torch.ones(rows, 5, dtype=torch.bool)
    keep[:, 3:] = False
    return torch.rand(rows, 7, generator=generator), torch.randn(rows, 5, 2, generator=generator), keep


def test_plans_stay_in_the_range_of_their_actions() -> None:
    policy = network()
    with torch.no_grad():
        policy.head[1].weight *= 1000
    plans = policy.act(np.random.default_rng(1).normal(0, 5, (200, 7)).astype(np.float32))
    assert plans.shape == (200, 5, 2)
    np.testing.assert_allclose(np.abs(plans).max(axis=(0, 1)), LIMITS, rtol=1e-6)


def test_periods_of_a_plan_differ() -> None:
    plan = network().scaled_plan(batch()[0])
    assert plan.diff(dim=1).abs().min() > 0


def test_acting_is_style_zero() -> None:
    policy, (observation, _, _) = network(), batch()
    zero = torch.zeros(len(observation), policy.style.in_features)
    torch.testing.assert_close(policy.scaled_plan(observation), policy.scaled_plan(observation, style=zero))
    other = policy.scaled_plan(observation, style=zero + 1)
    assert (other - policy.scaled_plan(observation)).abs().max() > 1e-3


def test_what_lies_after_the_end_of_the_episode_says_nothing_about_style() -> None:
    policy, (observation, plan, keep) = network(), batch()
    longer = plan.clone()
    longer[:, 3:] += 100
    torch.testing.assert_close(
        policy.styles(observation, plan, keep), policy.styles(observation, longer, keep)
    )
    longer[:, 2] += 100
    assert (
        policy.styles(observation, longer, keep)[0] - policy.styles(observation, plan, keep)[0]
    ).abs().max() > 0


def test_two_positions_in_one_place_have_a_finite_slope() -> None:
    observation = torch.zeros(1, 7, requires_grad=True)
    network().scaled_plan(observation).sum().backward()
    assert observation.grad is not None
    assert torch.isfinite(observation.grad).all()


def test_onnx_takes_and_gives_si_units_for_any_number_of_rows(tmp_path: Path) -> None:
    policy = network()
    policy.export_onnx(tmp_path / "policy.onnx", opset=17)
    rows = np.random.default_rng(2).uniform(-1, 1, (9, 7)).astype(np.float32)
    with open_engine(tmp_path / "policy.onnx", EngineSettings(threads=1, device="cpu")) as engine:
        for part in (rows[:1], rows):
            np.testing.assert_allclose(
                engine.infer({"observation": part})["action"], policy.act(part), atol=1e-6
            )


def test_onnx_holds_nothing_of_the_style_encoder(tmp_path: Path) -> None:
    """What only training needs does not travel to the robot."""
    import onnx

    network().export_onnx(tmp_path / "policy.onnx", opset=17)
    graph = onnx.load(tmp_path / "policy.onnx").graph
    assert graph.initializer
    assert [weight.name for weight in graph.initializer if "style_encoder" in weight.name] == []
    assert [node.op_type for node in graph.node if "Random" in node.op_type] == []


def test_saved_weights_are_read_back(tmp_path: Path) -> None:
    policy, rows = network(), batch()[0].numpy()
    policy.save(tmp_path / "policy.pt")
    np.testing.assert_array_equal(ActNetwork.load(tmp_path / "policy.pt", SPEC).act(rows), policy.act(rows))


def test_what_is_no_policy_of_action_chunks_is_refused(tmp_path: Path) -> None:
    PolicyNetwork(SPEC, *scales(), (8,), ()).save(tmp_path / "cloned.pt")
    (tmp_path / "cut.pt").write_bytes((tmp_path / "cloned.pt").read_bytes()[:500])
    for name in ("cloned.pt", "cut.pt", "absent.pt"):
        with pytest.raises(BadInput, match="wanted a policy of action chunks"):
            ActNetwork.load(tmp_path / name, SPEC)
