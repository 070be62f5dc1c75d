"""Which scenarios of a proof the nodes can play."""

from __future__ import annotations

import pytest

from trunnion.loop import _scenario
from trunnion.pipeline import Run
from trunnion_contract.errors import BadInput
from trunnion_contract.files import write_json
from trunnion_contract.usecase import load_usecase


@pytest.fixture
def proven(repository, tmp_path):
    run = Run(load_usecase(repository / "training" / "usecases" / "sorting_cell.yaml"), tmp_path)
    scenarios = [
        {"name": "exact", "episodes": 9, "draw": {"noise": {"uniform": [0, 5]}}},
        {"name": "noisy", "episodes": 9, "joint_noise_deg": 0.1},
        {"name": "drawn", "episodes": 9, "draw": {"finger_noise_mm": {"uniform": [0, 1]}}},
    ]
    suite = {"schema": 1, "name": "s", "version": "1.0.0", "scenarios": scenarios}
    write_json(run.stage("prove") / "suite.json", suite)
    return run


@pytest.mark.parametrize("name", ["noisy", "drawn"])
def test_scenarios_with_noisy_encoders_are_refused_by_name(proven, name):
    with pytest.raises(BadInput, match=f"{name}, in which the arm's encoders are noisy"):
        _scenario(proven, name, 5)


def test_others_are_played_with_as_many_episodes_as_asked_for(proven):
    assert _scenario(proven, "exact", 5).episodes == 5
    assert _scenario(proven, "exact", 50).episodes == 9
