"""Any registered environment of vectors or goals can be learnt in; of the others it is said what does not fit."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest

from trunnion_contract.errors import BadInput
from trunnion_contract.usecase import load_usecase
from trunnion_edge.goal_observation import as_vector
from trunnion_training.policy.environment import Task, open_environment, task_of


def test_an_id_of_gymnasium_itself_needs_no_package() -> None:
    env = open_environment(Task("Pendulum-v1"))
    assert env.reset(seed=0)[0].shape == (3,)
    env.close()


def test_an_id_with_a_namespace_finds_the_package_that_registers_it(usecase_of) -> None:
    task = task_of(usecase_of({"env": "trunnion/SortingCell-v0", "demonstrations": 1, "epochs": 1}))
    assert task.package == "trunnion_sim"


@pytest.mark.parametrize(
    ("env_id", "package", "message"),
    [
        ("tests/Nowhere-v0", "goal_line", r"Nowhere.*gymnasium\.register"),
        ("Nowhere-v0", None, r"Nowhere.*name in env_package the package that calls gymnasium\.register"),
        ("tests/GoalLine-v0", "no_such_package", "cannot be imported"),
        ("CartPole-v1", None, "action space Discrete"),
        ("tests/DiscreteAction-v0", "goal_line", "action space Discrete"),
        ("tests/NoGoals-v0", "goal_line", r"observation space Dict.*desired_goal"),
        ("tests/Image-v0", "goal_line", r"observation space Box\(0, 255, \(8, 8, 3\)"),
        ("tests/UnboundedAction-v0", "goal_line", "bounds that are finite"),
    ],
)
def test_an_environment_that_does_not_fit_is_refused(
    goal_line: str, env_id: str, package: str | None, message: str
) -> None:
    with pytest.raises(BadInput, match=f"(?s){message}"):
        open_environment(Task(env_id, package))


@pytest.mark.parametrize(("name", "what"), [("Broken", "an observation"), ("Unrewarded", "a reward")])
def test_what_is_not_finite_names_environment_seed_and_step(goal_line: str, name: str, what: str) -> None:
    env = open_environment(Task(f"tests/{name}-v0", goal_line))
    env.reset(seed=7)
    still = np.zeros(1, np.float32)
    env.step(still)
    env.step(still)
    with pytest.raises(
        BadInput, match=rf"tests/{name}-v0: got {what} that is not finite, at step 3 of the episode of seed 7"
    ):
        env.step(still)


def test_a_goal_observation_goes_through_as_it_is(goal_line: str) -> None:
    env = open_environment(Task("tests/GoalLine-v0", goal_line))
    observation = env.reset(seed=0)[0]
    assert sorted(observation) == ["achieved_goal", "desired_goal", "observation"]
    assert as_vector(observation).shape == (3,)


def test_an_environment_is_made_with_the_options_of_the_use_case(usecase_of) -> None:
    asked = {"env": "Pendulum-v1", "env_options": {"g": 1.5}, "demonstrations": 1, "epochs": 1}
    task = task_of(usecase_of(asked))
    env = open_environment(task)
    assert env.unwrapped.g == 1.5  # type: ignore[attr-defined]
    env.close()
    assert task.plain() != Task("Pendulum-v1").plain()


@pytest.mark.parametrize(
    ("env_id", "options", "message"),
    [
        ("Pendulum-v1", {"gravity": 1.5}, "unknown option 'gravity', wanted one of g"),
        ("trunnion/Reach-v0", {"reward_typ": "dense"}, r"did you mean 'reward_type'\?"),
        ("trunnion/Reach-v0", {"reward_type": "shaped"}, "got 'shaped', wanted sparse or dense"),
        ("trunnion/SortingCell-v0", {"reward_type": "shaped"}, "got 'shaped', wanted sparse or dense"),
        ("trunnion/Reach-v0", {"image_size_px": "wide", "observation_type": "pixels"}, "cannot be made"),
    ],
)
def test_options_that_the_environment_does_not_take_are_refused(
    env_id: str, options: dict[str, Any], message: str
) -> None:
    package = "trunnion_sim" if env_id.startswith("trunnion/") else None
    with pytest.raises(BadInput, match=message):
        open_environment(Task(env_id, package, options=options))


def test_the_sorting_cell_rewards_as_the_use_case_asks(usecase_of) -> None:
    options = {"reward_type": "dense"}
    asked = {"env": "trunnion/SortingCell-v0", "env_options": options, "demonstrations": 1, "epochs": 1}
    env = open_environment(task_of(usecase_of(asked)))
    env.reset(seed=0)
    assert env.step(env.action_space.sample())[1] < 0
    env.close()


def test_an_environment_that_knows_of_cells_is_played_in_the_use_cases_own(repository) -> None:
    usecase = load_usecase(repository / "training" / "usecases" / "sorting_cell.yaml")
    assert usecase.cell is not None
    slower = usecase.cell.limits.model_copy(update={"speed_max_mps": 0.123})
    cell = usecase.cell.model_copy(update={"limits": slower})
    env = open_environment(task_of(usecase.model_copy(update={"cell": cell})))
    assert isinstance(env.action_space, gymnasium.spaces.Box)
    assert env.action_space.high[0] == pytest.approx(0.123)
    env.close()
