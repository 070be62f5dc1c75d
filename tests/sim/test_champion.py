"""Candidate against champion, on an environment that is over in one step: a policy succeeds where it opens enough."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.sim.proof_setting import Counting, Setting

from trunnion_contract.bundle import MODEL, PROOF, REPORT
from trunnion_contract.errors import BadInput
from trunnion_contract.files import write_json
from trunnion_contract.proof import Proof

ONE_STEP = """
import gymnasium, numpy as np

class OneStep(gymnasium.Env):
    observation_space = gymnasium.spaces.Box(-1, 1, (11,), np.float32)
    action_space = gymnasium.spaces.Box(-1, 1, (4,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.wide = self.np_random.uniform(0, 0.1)
        return np.full(11, self.wide, np.float32), {}

    def step(self, action):
        info = {"is_success": bool(action[3] > self.wide), "limit_violations": 0}
        return np.full(11, self.wide, np.float32), 0.0, True, False, info

gymnasium.register("onestep/OneStep-v0", OneStep)
"""
PAIRS = 40
SCENARIOS = [{"name": "nominal", "episodes": 1}]


Make = Callable[[str, float], Setting]


@pytest.fixture(scope="module")
def make(
    tmp_path_factory: pytest.TempPathFactory,
    networks: dict[str, bytes],
    policy_that_opens: Callable[[float], bytes],
) -> Iterator[Make]:
    """Makes the run of a policy that opens so wide: 0.1 always succeeds, 0 never does."""
    folder = tmp_path_factory.mktemp("champion")
    (folder / "onestep.py").write_text(ONE_STEP)

    def of(name: str, opening_m: float) -> Setting:
        return Setting(
            folder / name,
            {**networks, "policy.onnx": policy_that_opens(opening_m)},
            scenarios=SCENARIOS,
            policy_env=("onestep", "onestep/OneStep-v0"),
            policy_episodes=PAIRS,
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield of


@pytest.fixture(scope="module")
def champion(make: Make) -> Setting:
    champion = make("champion", 0.09)
    champion.prove(workers=1)
    return champion


@pytest.fixture(scope="module")
def candidate(make: Make, champion: Setting) -> Setting:
    """Slightly worse; compared with the export alone, so that all of the champion's episodes were played."""
    candidate = make("candidate", 0.08)
    candidate.prove("played", against=champion.export_dir)
    return candidate


def _gates(proof: Proof) -> dict[str, bool]:
    return {gate.name: gate.passed for gate in proof.gates if gate.name.startswith("no worse")}


def test_a_candidate_that_loses_too_often_is_refused_and_the_pairs_are_listed(
    make: Make, champion: Setting
) -> None:
    worse = make("worse", 0.05)
    proof = worse.prove(workers=1, against=champion.export_dir)
    assert proof.comparison is not None
    nominal, alone = proof.comparison.scenarios
    assert (nominal.name, nominal.neither) == ("nominal", 1)
    assert (alone.pairs, alone.only_candidate) == (PAIRS, 0)
    lost = set(alone.seeds_only_champion)
    assert len(lost) == alone.only_champion > 5
    assert proof.policy is not None
    assert lost <= {failure.seed for failure in proof.policy.failures}
    assert _gates(proof) == {"no worse than the champion": False, "no worse in any scenario": False}
    assert "policy alone" in worse.read("prove", REPORT).decode().partition('id="against"')[2]


def test_what_the_champion_proved_itself_is_not_played_again(candidate: Setting, champion: Setting) -> None:
    told = Counting()
    candidate.prove("reused", workers=1, progress=told, against=champion.folder)
    firsts = 2
    assert told.found == 0
    assert told.totals[-1] == firsts
    assert candidate.read("reused", PROOF) == candidate.read("played", PROOF)


def test_a_record_of_the_champion_that_cannot_be_played_again_is_left_alone(
    candidate: Setting, champion: Setting, tmp_path: Path
) -> None:
    shutil.copytree(champion.folder, tmp_path / "champion")
    journal = tmp_path / "champion" / "prove" / "episodes.jsonl"
    text = journal.read_text().replace('"success": true', '"success": false')
    journal.write_text(text.replace('"trajectory_sha256": "', '"trajectory_sha256": "0'))
    candidate.prove("doubted", workers=1, against=tmp_path / "champion")
    assert candidate.read("doubted", PROOF) == candidate.read("played", PROOF)


def test_one_worker_compares_as_two_do_and_a_comparison_goes_on_after_a_kill(
    candidate: Setting, champion: Setting
) -> None:
    shutil.copytree(candidate.folder / "played", candidate.folder / "half")
    journal = candidate.folder / "half" / "champion.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:10]) + lines[10][:9])
    candidate.prove("half", workers=1, against=champion.export_dir)
    for file in (PROOF, REPORT):
        assert candidate.read("half", file) == candidate.read("played", file)


def test_a_champion_that_is_none_or_does_other_work_is_refused(
    make: Make, candidate: Setting, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match="wanted a bundle, the folder of an export, or the folder of a run"):
        candidate.prove(against=tmp_path)
    other = make("other", 0.08)
    model = json.loads((other.export_dir / MODEL).read_text())
    model["policy"] = None
    write_json(other.export_dir / MODEL, model)
    with pytest.raises(BadInput, match="got detector, wanted detector and policy"):
        candidate.prove(against=other.export_dir)
