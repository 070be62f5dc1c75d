"""Candidate against champion, on an environment that is over in one step: a policy succeeds where it opens enough."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.sim.proof_setting import Counting, Setting

from trunnion_contract.bundle import MODEL, PROOF, REPORT
from trunnion_contract.errors import BadInput
from trunnion_contract.files import write_json
from trunnion_contract.proof import Proof
from trunnion_contract.strict import read_json

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


@pytest.fixture
def make(
    tmp_path: Path,
    networks: dict[str, bytes],
    policy_that_opens: Callable[[float], bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[str, float], Setting]:
    """Makes the run of a policy that opens so wide: 0.1 always succeeds, 0 never does."""
    (tmp_path / "onestep.py").write_text(ONE_STEP)
    monkeypatch.syspath_prepend(tmp_path)

    def of(name: str, opening_m: float) -> Setting:
        return Setting(
            tmp_path / name,
            {**networks, "policy.onnx": policy_that_opens(opening_m)},
            scenarios=SCENARIOS,
            policy_env=("onestep", "onestep/OneStep-v0"),
            policy_episodes=PAIRS,
        )

    return of


def _gates(proof: Proof) -> dict[str, bool]:
    return {gate.name: gate.passed for gate in proof.gates if gate.name.startswith("no worse")}


def test_a_candidate_that_loses_too_often_is_refused_and_the_pairs_are_listed(make) -> None:
    champion, candidate = make("champion", 0.09), make("candidate", 0.05)
    proof = candidate.prove(against=champion.export_dir)
    assert proof.comparison is not None
    nominal, alone = proof.comparison.scenarios
    assert (nominal.name, nominal.neither) == ("nominal", 1)
    assert (alone.pairs, alone.only_candidate) == (PAIRS, 0)
    lost = set(alone.seeds_only_champion)
    assert len(lost) == alone.only_champion > 5
    assert proof.policy is not None
    assert lost <= {failure.seed for failure in proof.policy.failures}
    assert _gates(proof) == {"no worse than the champion": False, "no worse in any scenario": False}
    assert "policy alone" in candidate.read("prove", REPORT).decode().partition('id="against"')[2]


def test_a_copy_and_a_better_candidate_pass(make) -> None:
    champion = make("champion", 0.05)
    for opening_m in (0.05, 0.09):
        proof = make(f"opens {opening_m}", opening_m).prove(against=champion.export_dir)
        assert all(_gates(proof).values())


def test_what_the_champion_proved_itself_is_not_played_again(make) -> None:
    champion, candidate = make("champion", 0.09), make("candidate", 0.08)
    champion.prove()
    told = Counting()
    proof = candidate.prove("reused", against=champion.folder, progress=told)
    played = candidate.prove("played", against=champion.export_dir)
    assert proof.comparison == played.comparison
    rows = 2
    assert told.found == PAIRS + 1 - rows
    assert candidate.read("reused", PROOF) == candidate.read("played", PROOF)


def test_a_record_of_the_champion_that_cannot_be_played_again_is_left_alone(make) -> None:
    champion, candidate = make("champion", 0.09), make("candidate", 0.08)
    champion.prove()
    journal = champion.folder / "prove" / "episodes.jsonl"
    journal.write_text(journal.read_text().replace('"success": true', '"success": false'))
    text = journal.read_text().splitlines()
    first = next(number for number, line in enumerate(text) if "policy policy_alone 100000" in line)
    entry = json.loads(text[first])
    entry["result"]["trajectory_sha256"] = "0" * 64
    text[first] = json.dumps(entry)
    journal.write_text("\n".join(text) + "\n")
    proof = candidate.prove(against=champion.folder)
    assert proof.comparison is not None
    assert proof.comparison.overall.both > 0


def test_one_worker_compares_as_two_do_and_a_comparison_goes_on_after_a_kill(make) -> None:
    champion, candidate = make("champion", 0.09), make("candidate", 0.08)
    candidate.prove("two", against=champion.export_dir)
    shutil.copytree(candidate.folder / "two", candidate.folder / "one")
    journal = candidate.folder / "one" / "champion.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:10]) + lines[10][:9])
    candidate.prove("one", workers=1, against=champion.export_dir)
    for file in (PROOF, REPORT):
        assert candidate.read("one", file) == candidate.read("two", file)


def test_a_champion_that_is_none_or_does_other_work_is_refused(make, tmp_path: Path) -> None:
    candidate, other = make("candidate", 0.08), make("other", 0.08)
    with pytest.raises(BadInput, match="wanted a bundle, the folder of an export, or the folder of a run"):
        candidate.prove(against=tmp_path)
    model = json.loads((other.export_dir / MODEL).read_text())
    model["policy"] = None
    write_json(other.export_dir / MODEL, model)
    with pytest.raises(BadInput, match="got detector, wanted detector and policy"):
        candidate.prove(against=other.export_dir)
    assert read_json(Proof, _proven(make) / PROOF).comparison is None


def _proven(make: Callable[[str, float], Setting]) -> Path:
    setting = make("alone", 0.08)
    setting.prove()
    return setting.folder / "prove"
