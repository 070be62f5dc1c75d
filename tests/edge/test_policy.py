"""The policy: entries by name, and nothing that is not finite gets past it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from trunnion_contract.errors import BadInput, Broken
from trunnion_contract.files import digest_bytes
from trunnion_contract.manifest import ModelManifest, PolicyModel, PolicySpec
from trunnion_contract.tensor import TensorSpec
from trunnion_edge.backends import EngineSettings, open_engine
from trunnion_edge.policy import NotFinite, Policy

# speed = x + 10 z, opening = opening + 100 y
WEIGHTS = np.array([[1, 0], [0, 100], [10, 0], [0, 1]], np.float32)
OBSERVATION = {"place": [0.1, 0.2, 0.3], "opening_m": [0.04]}


@pytest.fixture
def policy(linear_network: Callable[..., bytes], policy_spec: PolicySpec) -> Policy:
    return Policy(open_engine(linear_network(WEIGHTS)), policy_spec)


def test_entries_go_in_and_come_out_by_name_in_the_order_of_the_manifest(policy: Policy) -> None:
    action = policy.act({"opening_m": np.array([0.04]), "place": (0.1, 0.2, 0.3)})
    assert {name: value.shape for name, value in action.items()} == {"speed": (1,), "opening_m": (1,)}
    assert action["speed"][0] == pytest.approx(3.1)
    assert action["opening_m"][0] == pytest.approx(20.04)


def test_an_action_survives_the_next_one(policy: Policy) -> None:
    first = policy.act(OBSERVATION)
    policy.act({"place": [1, 1, 1], "opening_m": [0]})
    assert first["speed"][0] == pytest.approx(3.1)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_an_observation_that_is_not_finite_is_an_error_that_names_the_entry(
    policy: Policy, value: float
) -> None:
    with np.errstate(over="ignore"), pytest.raises(NotFinite, match="'place' of the policy's observation"):
        policy.act({"place": [0.1, value, 0.3], "opening_m": [0.04]})


def test_an_action_that_is_not_finite_is_an_error(
    linear_network: Callable[..., bytes], policy_spec: PolicySpec
) -> None:
    overflowing = Policy(open_engine(linear_network(np.full((4, 2), 3e38, np.float32))), policy_spec)
    with pytest.raises(NotFinite, match="the policy's action"):
        overflowing.act({"place": [9, 9, 9], "opening_m": [9]})


@pytest.mark.parametrize(
    ("observation", "message"),
    [
        ({"place": [0, 0, 0]}, "got place, wanted place, opening_m"),
        ({**OBSERVATION, "colour": [1]}, "got place, opening_m, colour"),
        ({**OBSERVATION, "place": [0, 0]}, "'place' of the policy's observation: got 2 values, wanted 3"),
    ],
)
def test_an_observation_that_does_not_fit_is_named(
    policy: Policy, observation: dict[str, list[float]], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        policy.act(observation)


def test_a_network_with_other_entries_than_the_manifest_is_refused(
    linear_network: Callable[..., bytes], policy_spec: PolicySpec
) -> None:
    with pytest.raises(BadInput, match=r"observation float32 \[N, 3\], wanted observation float32 \[N, 4\]"):
        Policy(open_engine(linear_network(WEIGHTS[:3])), policy_spec)


@pytest.fixture
def chunked(linear_network: Callable[..., bytes], policy_spec: PolicySpec) -> Policy:
    """Plans three actions, the speed of number k of them being (k + 1) x, and carries out two."""
    weights = np.zeros((4, 6), np.float32)
    weights[0] = [1, 0, 2, 0, 3, 0]
    output = TensorSpec(name="action", dtype="float32", shape=("N", 3, 2))
    spec = PolicySpec(**{**dict(policy_spec), "output": output, "chunk": 3, "replan_every": 2})
    return Policy(open_engine(linear_network(weights, chunk=3)), spec)


def speeds(policy: Policy, *xs: float) -> list[float]:
    return [float(policy.act({"place": [x, 0, 0], "opening_m": [0]})["speed"][0]) for x in xs]


def test_a_policy_of_chunks_carries_out_what_it_planned_before_it_is_asked_again(chunked: Policy) -> None:
    assert speeds(chunked, 1, 10, 100, 1000) == [1, 2, 100, 200]


def test_a_plan_that_is_forgotten_is_not_carried_out(chunked: Policy) -> None:
    assert speeds(chunked, 1) == [1]
    chunked.forget()
    assert speeds(chunked, 10) == [10]


def test_an_observation_that_is_not_finite_is_an_error_also_between_two_plans(chunked: Policy) -> None:
    assert speeds(chunked, 1) == [1]
    with pytest.raises(NotFinite):
        speeds(chunked, np.nan)


def test_a_policy_that_carries_out_more_than_it_plans_is_refused(policy_spec: PolicySpec) -> None:
    with pytest.raises(ValueError, match="at most 1"):
        PolicySpec(**{**dict(policy_spec), "replan_every": 2})


def test_it_opens_from_a_manifest_and_warms_up(
    linear_network: Callable[..., bytes], policy_spec: PolicySpec
) -> None:
    network = linear_network(WEIGHTS)
    model = PolicyModel(file="policy.onnx", sha256=digest_bytes(network), parity=(), spec=policy_spec)
    manifest = ModelManifest(
        name="p",
        version="0.1.0",
        problem="p",
        usecase_digest="0",
        dataset_digest=None,
        policy=model,
        made_with={},
        licences={},
    )
    with Policy.from_model(manifest, {"policy.onnx": network}.__getitem__) as policy:
        policy.warm_up()
        assert policy.act(OBSERVATION)["speed"][0] == pytest.approx(3.1)
    with pytest.raises(BadInput, match=r"add models\.policy"):
        Policy.from_model(manifest.model_copy(update={"policy": None}), lambda name: network)


def test_a_chunk_that_the_output_does_not_hold_is_refused(policy_spec: PolicySpec) -> None:
    with pytest.raises(ValueError, match=r"an output of \[N, 2, 2\]"):
        PolicySpec(**{**dict(policy_spec), "chunk": 2})
    other = TensorSpec(name="action", dtype="float32", shape=("N", 3))
    with pytest.raises(ValueError, match=r"an output of \[N, 2\]"):
        PolicySpec(**{**dict(policy_spec), "output": other})


def test_an_engine_is_closed_when_its_network_does_not_fit_the_manifest(
    linear_network: Callable[..., bytes], policy_spec: PolicySpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, opened = linear_network(WEIGHTS[:3]), []
    monkeypatch.setattr(
        "trunnion_edge.policy.open_engine", lambda *_: opened.append(open_engine(network)) or opened[0]
    )
    model = PolicyModel(file="policy.onnx", sha256=digest_bytes(network), parity=(), spec=policy_spec)
    manifest = ModelManifest(
        name="p", version="0.1.0", problem="p", usecase_digest="0", dataset_digest=None, policy=model,
        made_with={}, licences={},
    )  # fmt: skip
    with pytest.raises(BadInput):
        Policy.from_model(manifest, {"policy.onnx": network}.__getitem__)
    with pytest.raises(Broken, match="after close"):
        opened[0].infer({"observation": np.zeros((1, 3), np.float32)})


@pytest.mark.parametrize("wanted", [True, False])
def test_an_engine_that_came_with_it_is_taken_where_that_is_wanted(
    wanted: bool,
    linear_network: Callable[..., bytes],
    policy_spec: PolicySpec,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network, asked = linear_network(WEIGHTS), list[EngineSettings]()
    monkeypatch.setattr(
        "trunnion_edge.policy.open_engine", lambda _, settings: asked.append(settings) or open_engine(network)
    )
    model = PolicyModel(file="policy.onnx", sha256=digest_bytes(network), parity=(), spec=policy_spec)
    manifest = ModelManifest(
        name="p", version="0.1.0", problem="p", usecase_digest="0", dataset_digest=None, policy=model,
        made_with={}, licences={},
    )  # fmt: skip
    read = {"policy.onnx": network}.__getitem__
    Policy.from_model(manifest, read, EngineSettings(attached_engines=wanted)).close()
    assert [settings.attached for settings in asked] == [read if wanted else None]
