"""Which episodes a proof needs, and which of those that were played count."""

from __future__ import annotations

import pytest
from tests.sim.proof_setting import Counting, Setting

from trunnion_contract.bundle import PROOF, REPORT
from trunnion_sim.examiner import Job
from trunnion_sim.journal import recorded
from trunnion_sim.plan import Play, undecided
from trunnion_sim.prove import JOURNAL
from trunnion_sim.sequential import stopping_rule

PLANNED = 12
SCENARIOS = [
    {"name": "nominal", "episodes": PLANNED, "success_lower_min": 0.6},
    {"name": "measured_only", "episodes": 3, "latency_ms": 50},
]


def play(planned: int = 40, least: float = 0.6) -> Play:
    jobs = tuple(Job("episode", "nominal", seed) for seed in range(planned))
    return Play("nominal", jobs, least, stopping_rule(least, planned))


def results(*successes: bool) -> dict[str, dict[str, bool]]:
    return {f"episode nominal {seed}": {"success": success} for seed, success in enumerate(successes)}


def test_the_verdict_is_on_episodes_in_the_order_of_seeds_whoever_was_faster() -> None:
    found = results(*[True] * 40)
    end = play().end(found)
    assert end is not None
    assert end < 20
    late = {key: value for key, value in found.items() if key != "episode nominal 2"}
    assert play().end(late) is None
    assert [job.seed for job in play().counted(found)] == list(range(end))


def test_an_episode_that_was_played_after_the_end_changes_nothing() -> None:
    clear = results(*[True] * 40)
    end = play().end(clear)
    assert end is not None
    assert play().end(clear | {f"episode nominal {end}": {"success": False}}) == end


def test_no_more_episodes_are_asked_for_once_the_verdict_is_clear() -> None:
    progress, found = Counting(), dict[str, dict[str, bool]]()
    asked = []
    for job in undecided([play()], found, progress):
        asked.append(job.seed)
        found[job.key] = {"success": False}
    assert asked == list(range(len(asked)))
    assert len(asked) < 10
    assert len(asked) + progress.found == 40


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory, networks: dict[str, bytes]) -> Setting:
    return Setting(tmp_path_factory.mktemp("sequential") / "run", networks, scenarios=SCENARIOS)


def test_a_proof_stops_early_where_the_verdict_is_clear_and_gives_the_same_bytes_on_any_number_of_workers(
    setting: Setting,
) -> None:
    progress = Counting()
    proof = setting.prove("two", workers=3, progress=progress, sequential=True)
    nominal, measured = proof.scenarios
    assert nominal.stopped_early
    assert nominal.sequential is not None
    assert (nominal.sequential.planned, nominal.sequential.alpha) == (PLANNED, 0.05)
    assert nominal.success.trials <= PLANNED / 2
    assert (measured.success.trials, measured.stopped_early) == (3, False)
    (gate,) = [gate for gate in proof.gates if gate.name == "nominal, lower bound"]
    assert not gate.passed
    assert "12 planned, stopped early (errors at most 5% and 5%)" in gate.note
    assert progress.found + progress.done_now == sum(progress.totals)
    setting.prove("one", workers=1, sequential=True)
    for file in (PROOF, REPORT):
        assert setting.read("one", file) == setting.read("two", file)
    played = [key for key in recorded(setting.folder / "two" / JOURNAL) if key.startswith("episode nominal")]
    assert nominal.success.trials <= len(played) < PLANNED
