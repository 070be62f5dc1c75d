"""How a policy learns: each method has what it needs and nothing of another."""

from __future__ import annotations

from typing import Any

import pytest

from trunnion_contract.errors import BadInput
from trunnion_contract.policy_training import PolicyTraining
from trunnion_contract.strict import parse

SHOWN = {"demonstrations": 10, "epochs": 5}
PRACTICE = {"reinforcement": {"steps": 1000}}


def policy(**keys: Any) -> PolicyTraining:
    return parse(PolicyTraining, {"env": "Pendulum-v1", **keys}, "cell.yaml")


def test_a_policy_is_cloned_where_nothing_else_is_said() -> None:
    assert policy(**SHOWN).method == "clone"


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({}, "demonstrations or a recording, and epochs, because the policy begins with the expert"),
        ({"method": "dagger", "demonstrations": 3}, "demonstrations or a recording, and epochs"),
        ({**SHOWN, "recording": "cell.parquet"}, "demonstrations or a recording, not both"),
        ({**SHOWN, "disturbance": 1.5}, "disturbance"),
        ({"recording": "cell.parquet", "epochs": 5, "disturbance": 0}, "no disturbance with a recording"),
        (
            {**SHOWN, "method": "dagger", "early_stop": {}},
            "an `early_stop` section with method clone or act only",
        ),
        ({"method": "sac"}, "a `reinforcement` section with method sac or ppo"),
        ({**SHOWN, **PRACTICE}, "a `reinforcement` section with method sac or ppo, and with no other"),
        ({**SHOWN, "dagger": {}}, "a `dagger` section with method dagger only"),
        ({**SHOWN, "act": {}}, "a `act` section with method act only"),
        ({**SHOWN, "method": "dagger", "workers": {"count": 2}}, "`workers` with method clone or act only"),
        ({**SHOWN, "seeds": [0, 1], "workers": {"count": 2}}, "seeds or workers, not both"),
        ({**SHOWN, "seeds": [0, 1], "seed": 3}, "seeds or a seed, not both"),
        ({**SHOWN, "seeds": [1, 1]}, "two seeds or more, each once"),
        ({**SHOWN, "method": "act", "act": {"chunk": 3}}, "replan_every of at most 3, the chunk"),
        (
            {"method": "ppo", "reinforcement": {"steps": 9, "start": "clone"}},
            "demonstrations or a recording, and epochs",
        ),
        ({"method": "td3"}, "method"),
        ({"method": "sac", "reinforcement": {"step": 9}}, "did you mean 'steps'"),
    ],
)
def test_a_method_without_what_it_needs_is_refused(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        policy(**keys)


def test_practice_from_scratch_needs_no_expert() -> None:
    assert not policy(method="sac", **PRACTICE).imitates


@pytest.mark.parametrize(
    ("keys", "package"),
    [
        ({"env": "Pendulum-v1"}, None),
        ({"env": "trunnion/SortingCell-v0"}, "trunnion_sim"),
        ({"env": "elsewhere/Task-v0"}, None),
        ({"env": "trunnion/SortingCell-v0", "env_package": "mine"}, "mine"),
    ],
)
def test_the_package_that_registers_is_named_or_found_by_the_namespace(
    keys: dict[str, Any], package: str | None
) -> None:
    assert policy(**SHOWN, **keys).registering_package() == package
