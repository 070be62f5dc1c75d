"""A policy in an environment of somebody else."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from trunnion_contract.errors import BadInput
from trunnion_contract.manifest import Entry, PolicySpec
from trunnion_contract.tensor import TensorSpec
from trunnion_edge.policy import NotFinite
from trunnion_sim.policy_episode import check_spaces, play_policy

SPEC = PolicySpec(
    input=TensorSpec(name="observation", dtype="float32", shape=("N", 1)),
    output=TensorSpec(name="action", dtype="float32", shape=("N", 1)),
    observation=(Entry(name="place_m", size=1, unit="m", low=-1, high=1),),
    action=(Entry(name="velocity_mps", size=1, unit="m/s", low=-1, high=1),),
    rate_hz=10,
)


class Line(gymnasium.Env[NDArray[np.float32], NDArray[np.float32]]):
    """One number, which goes where it is pushed; over after three steps, with `last_info`."""

    def __init__(self, **last_info: Any) -> None:
        self.observation_space = self.action_space = gymnasium.spaces.Box(-1, 1, (1,), np.float32)
        self._last_info, self._steps = last_info, 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        super().reset(seed=seed)
        self._steps = 0
        return np.zeros(1, np.float32), {}

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        self._steps += 1
        return action, 0.0, self._steps == 3, False, self._last_info


class Pushing:
    """A policy that always does the same."""

    spec = SPEC

    def forget(self) -> None:
        pass

    def act(self, observation: Mapping[str, ArrayLike]) -> dict[str, NDArray[np.float32]]:
        return {"velocity_mps": np.full(1, 0.5, np.float32)}


def test_an_environment_that_has_to_measure_violations_and_does_not_is_refused() -> None:
    with pytest.raises(BadInput, match="without limit_violations: is_success"):
        play_policy(Line(is_success=True), Pushing(), 0, measures_violations=True)  # type: ignore[arg-type]


def test_violations_are_those_that_the_environment_counted() -> None:
    env = Line(is_success=True, limit_violations=2)
    result = play_policy(env, Pushing(), 0, measures_violations=True)  # type: ignore[arg-type]
    assert (result.success, result.limit_violations, result.time_s) == (True, 2, 0.3)


def test_of_an_environment_without_limits_no_violations_are_told() -> None:
    assert play_policy(Line(is_success=True), Pushing(), 0).limit_violations is None  # type: ignore[arg-type]


class Broken(Line):
    """The same line, which gives `observation` and `reward` in its second step."""

    def __init__(self, observation: float = 0.0, reward: float = 0.0) -> None:
        super().__init__(is_success=True)
        self._gives = np.full(1, observation, np.float32), reward

    def step(self, action: NDArray[np.float32]) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        observation, reward, *rest = super().step(action)
        return *(self._gives if self._steps == 2 else (observation, reward)), *rest


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("name", ["observation", "reward"])
def test_what_is_not_finite_is_refused_with_its_seed_and_step(name: str, value: float) -> None:
    with pytest.raises(BadInput, match=rf"policy_alone, seed 7, step 2: {name}: got .*{value}"):
        play_policy(Broken(**{name: value}), Pushing(), 7)  # type: ignore[arg-type]


class Lost(Pushing):
    """A policy whose network gives no numbers."""

    def act(self, observation: Mapping[str, ArrayLike]) -> dict[str, NDArray[np.float32]]:
        raise NotFinite(where="the policy's action", got="[nan]", wanted="finite values", next_step="hold")


def test_an_action_that_is_not_finite_is_refused_with_its_seed_and_step() -> None:
    with pytest.raises(BadInput, match=r"policy_alone, seed 7, step 0: action: got \[nan\]"):
        play_policy(Line(), Lost(), 7)  # type: ignore[arg-type]


class Goals(Line):
    """The same line, which also says where it is to go."""

    def __init__(self) -> None:
        super().__init__(is_success=True)
        side = gymnasium.spaces.Box(-1, 1, (1,), np.float32)
        parts = {"observation": side, "achieved_goal": side, "desired_goal": side}
        self.observation_space = gymnasium.spaces.Dict(parts)  # type: ignore[assignment]

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        _, info = super().reset(seed=seed)
        return self._goals(np.zeros(1, np.float32)), info

    def step(self, action: NDArray[np.float32]) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        place, *rest = super().step(action)
        return self._goals(place), *rest

    def _goals(self, place: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        return {"observation": place, "achieved_goal": place, "desired_goal": np.full(1, 0.75, np.float32)}


class Remembering(Pushing):
    """A policy that keeps what it was shown."""

    spec = SPEC.model_copy(
        update={"observation": (*SPEC.observation, Entry(name="goal_m", size=1, unit="m", low=-1, high=1))}
    )

    def __init__(self) -> None:
        self.seen: list[dict[str, float]] = []

    def act(self, observation: Mapping[str, ArrayLike]) -> dict[str, NDArray[np.float32]]:
        self.seen.append({name: float(np.asarray(value)[0]) for name, value in observation.items()})
        return super().act(observation)


def test_a_goal_observation_reaches_the_policy_as_its_entries() -> None:
    env, policy = Goals(), Remembering()
    check_spaces(env, policy.spec)
    assert play_policy(env, policy, 0).success  # type: ignore[arg-type]
    assert policy.seen == [{"place_m": place, "goal_m": 0.75} for place in (0.0, 0.5, 0.5)]


def test_a_policy_that_does_not_see_the_goal_is_refused_in_an_environment_with_one() -> None:
    with pytest.raises(
        BadInput, match=r"observation of the policy: got \[1\].*\[2\] as the environment has it"
    ):
        check_spaces(Goals(), SPEC)


def test_a_policy_of_other_entries_of_the_same_size_is_refused() -> None:
    env = Line()
    env.observation_entries = SPEC.observation  # type: ignore[attr-defined]
    check_spaces(env, SPEC)
    env.observation_entries = (Entry(name="speed_mps", size=1, unit="m/s", low=-1, high=1),)  # type: ignore[attr-defined]
    with pytest.raises(BadInput, match=r"got place_m \[1\] m in the manifest, wanted speed_mps \[1\] m/s as"):
        check_spaces(env, SPEC)


class Looking(Goals):
    """The line with goals, seen from above: the image is as bright as the step is late."""

    def __init__(self, side_px: int = 4) -> None:
        super().__init__()
        self._side_px = side_px
        spaces = {"pixels": gymnasium.spaces.Box(0, 255, (side_px, side_px, 3), np.uint8)}
        self.observation_space = gymnasium.spaces.Dict({**self.observation_space.spaces, **spaces})  # type: ignore[attr-defined,assignment]

    def _goals(self, place: NDArray[np.float32]) -> dict[str, Any]:
        pixels = np.full((self._side_px, self._side_px, 3), 10 * self._steps, np.uint8)
        return {**super()._goals(place), "pixels": pixels}


class Watching(Pushing):
    """A policy that sees, and keeps how bright it was."""

    spec = Remembering.spec.model_copy(
        update={"image": TensorSpec(name="image", dtype="uint8", shape=("N", 4, 4, 3))}
    )

    def __init__(self) -> None:
        self.seen: list[int] = []

    def act(self, observation: Mapping[str, ArrayLike]) -> dict[str, NDArray[np.float32]]:
        self.seen.append(int(np.asarray(observation["image"]).max()))
        return super().act(observation)


def test_a_policy_that_sees_is_given_the_image_of_each_step() -> None:
    env, policy = Looking(), Watching()
    check_spaces(env, policy.spec)
    assert play_policy(env, policy, 0).success  # type: ignore[arg-type]
    assert policy.seen == [0, 10, 20]


@pytest.mark.parametrize(("env", "got"), [(Looking(8), r"\[8, 8, 3\]"), (Goals(), "none")])
def test_a_policy_that_sees_is_refused_where_there_is_another_image_or_none(
    env: gymnasium.Env[Any, Any], got: str
) -> None:
    with pytest.raises(BadInput, match=rf"the image of the policy: got \[4, 4, 3\].*wanted {got} as the env"):
        check_spaces(env, Watching.spec)
