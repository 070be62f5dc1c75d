"""`trunnion loop`: the proof's episodes through the real nodes, in simulated time."""

from __future__ import annotations

import json


def test_the_nodes_play_what_was_proven_and_a_second_call_plays_nothing(copied, trunnion) -> None:
    answer = trunnion("loop", copied.usecase, "--runs", copied.runs, "--episodes", "2")
    assert answer.code in (0, 1), answer
    assert "2 of 2 nominal" in answer.out or "playing through the nodes: nominal" in answer.out
    folder = copied.folder / "loop"
    proof = json.loads((folder / "loop.json").read_text())
    (scenario,) = proof["scenarios"]
    assert scenario["in_process"]["trials"] == scenario["in_ros"]["trials"] == 2
    # Two pairs are too few for the test's verdict to depend on them; that parts are sorted is told by the counts.
    assert scenario["in_process"]["successes"] == 2
    assert scenario["in_ros"]["successes"] >= 1, answer
    parted = scenario["failed_in_ros"] + scenario["failed_in_process"]
    assert (answer.code == 0) == (len(parted) < 6)
    assert "nominal" in (folder / "loop.html").read_text()
    again = trunnion("loop", copied.usecase, "--runs", copied.runs, "--episodes", "2")
    assert again.code == answer.code
    assert "starting the cell" not in again.out
    assert json.loads((folder / "loop.json").read_text()) == proof


def test_a_scenario_that_was_not_proven_is_refused_with_those_that_were(finished, trunnion) -> None:
    answer = trunnion("loop", finished.usecase, "--runs", finished.runs, "--scenario", "moon")
    assert answer.code == 2
    assert answer.said["got"] == "no 'moon'"
    assert answer.said["wanted"] == "one of nominal"


def test_a_run_that_was_not_packed_is_refused(finished, trunnion, tmp_path) -> None:
    answer = trunnion("loop", finished.usecase, "--runs", tmp_path)
    assert answer.code == 2
    assert answer.said["got"] == "no such file"


def test_of_a_proof_that_ended_early_what_it_played_is_played(copied, trunnion) -> None:
    journal = copied.folder / "prove" / "episodes.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    nominal = [line for line in lines if '"episode nominal ' in line]
    journal.write_text("".join(line for line in lines if line not in nominal[1:]))
    answer = trunnion("loop", copied.usecase, "--runs", copied.runs)
    assert answer.code in (0, 1), answer
    (scenario,) = json.loads((copied.folder / "loop" / "loop.json").read_text())["scenarios"]
    assert scenario["in_ros"]["trials"] == scenario["in_process"]["trials"] == 1
