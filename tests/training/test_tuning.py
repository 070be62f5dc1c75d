"""A search without Ray: what is proposed, remembered, stopped, chosen and shown."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from trunnion_contract.errors import GatesFailed
from trunnion_contract.strict import parse
from trunnion_contract.tuning import Tuning
from trunnion_training.tuning.book import Book, Outcome
from trunnion_training.tuning.choice import choose, front
from trunnion_training.tuning.report import importances, report_page
from trunnion_training.tuning.trials import ACCURACY, TrialRecord, Trials

SPACE = {
    "models.detector.learning_rate": {"log_uniform": [0.0001, 0.01]},
    "models.detector.image_size_px": {"uniform": [64, 128], "step": 32},
    "models.detector.base": {"choice": ["a.pt", "b.pt"]},
}


def tuning(**section: Any) -> Tuning:
    return parse(Tuning, {"space": SPACE, "trials": 6, **section}, "tuning")


def figures_of(values: dict[str, Any]) -> dict[str, float]:
    """Something that a search can be about: larger images are better, and slower."""
    size = values["models.detector.image_size_px"]
    return {"accuracy": size / 128 - values["models.detector.learning_rate"], "latency": size / 10}


def go_through(book: Book, trials: Trials, most: int = 100) -> list[int]:
    """Do up to `most` trials, one after the other; give their numbers."""
    done: list[int] = []
    while len(done) < most and (number := book.next()) is not None:
        book.ended(number, Outcome(figures_of(trials.read(number).values)))
        done.append(number)
    return done


def trial(number: int, accuracy: float = 0, latency: float = 0, **more: Any) -> TrialRecord:
    figures = (
        {"accuracy": accuracy, "latency": latency} if more.get("state", "complete") == "complete" else {}
    )
    values = {
        "models.detector.learning_rate": 0.001 * (number + 1), "models.detector.image_size_px": 64 + 32 * (number % 3),
        "models.detector.base": "ab"[number % 2] + ".pt",
    }  # fmt: skip
    return TrialRecord(number=number, values=values, figures=figures, **{"state": "complete", **more})


# The book


def test_every_trial_is_new_and_within_the_space(tmp_path: Path) -> None:
    trials = Trials(tmp_path)
    assert go_through(Book(tuning(), trials), trials) == [0, 1, 2, 3, 4, 5]
    found = [record.values for record in trials.all()]
    assert len({json.dumps(values) for values in found}) == 6
    for values in found:
        assert set(values) == set(SPACE)
        assert 0.0001 <= values["models.detector.learning_rate"] <= 0.01
        assert values["models.detector.image_size_px"] in (64, 96, 128)
        assert values["models.detector.base"] in ("a.pt", "b.pt")


def test_a_search_that_was_stopped_proposes_what_an_unbroken_one_does(tmp_path: Path) -> None:
    whole, parts = Trials(tmp_path / "whole"), Trials(tmp_path / "parts")
    section = tuning(trials=14)
    go_through(Book(section, whole), whole)
    while go_through(Book(section, parts), parts, most=3):
        pass
    assert [record.values for record in parts.all()] == [record.values for record in whole.all()]


def test_a_trial_that_was_not_at_its_end_goes_on_first_and_counts_once(tmp_path: Path) -> None:
    trials, section = Trials(tmp_path), tuning()
    before = Book(section, trials)
    go_through(before, trials, most=2)
    assert before.next() == 2
    values = trials.read(2).values
    after = Book(section, trials)
    assert after.left == 4
    assert go_through(after, trials) == [2, 3, 4, 5]
    assert trials.read(2).values == values
    assert Book(section, trials).left == 0


def test_more_trials_go_on_from_those_that_are_there(tmp_path: Path) -> None:
    trials = Trials(tmp_path)
    go_through(Book(tuning(), trials), trials)
    assert go_through(Book(tuning(trials=8), trials), trials) == [6, 7]


def test_a_space_that_is_searched_through_ends_the_search(tmp_path: Path) -> None:
    trials = Trials(tmp_path)
    section = tuning(space={"models.detector.base": {"choice": ["a.pt", "b.pt"]}}, objectives=["latency"])
    book = Book(section, trials)
    for _ in range(2):
        book.ended(book.next() or 0, Outcome({"latency": 1.0}))
    assert book.next() is None


def test_an_epoch_and_an_end_that_are_told_twice_count_once(tmp_path: Path) -> None:
    trials = Trials(tmp_path)
    book = Book(tuning(), trials)
    book.next()
    for epoch in (1, 2, 1, 2, 3):
        book.heard(0, {"epoch": epoch, ACCURACY: epoch / 10})
    book.ended(0, None)
    book.ended(0, Outcome({"accuracy": 1.0, "latency": 1.0}))
    book.heard(0, {"epoch": 4, ACCURACY: 0.9})
    assert trials.read(0).state == "stopped"
    assert trials.read(0).accuracy_by_epoch == (0.1, 0.2, 0.3)


# Stopping early


def test_a_scheduler_that_is_made_anew_stops_what_the_one_before_would_have_stopped() -> None:
    from types import SimpleNamespace

    from trunnion_training.cluster.search import asha

    known = [trial(number, series={"epoch": (1, 2), ACCURACY: (0.5, 0.6)}) for number in range(3)]
    scheduler = asha(tuning(stop={"grace_epochs": 2, "reduction": 2}), 8, known)

    def after(accuracy: float, epoch: int) -> str:
        one: Any = SimpleNamespace(trial_id=f"{accuracy} {epoch}")
        scheduler.on_trial_add(None, one)
        return str(scheduler.on_trial_result(None, one, {"epoch": epoch, ACCURACY: accuracy}))

    assert after(0.1, 1) == "CONTINUE"
    assert after(0.1, 2) == "STOP"
    assert after(0.7, 2) == "CONTINUE"
    # One that has learnt to its end is still to be exported.
    assert after(0.9, 8) == "CONTINUE"


# The choice


def test_the_front_holds_whom_nobody_beats() -> None:
    found = [trial(0, 0.9, 30), trial(1, 0.8, 10), trial(2, 0.7, 20), trial(3, 0.5, 5)]
    assert [one.number for one in front(tuning(), found)] == [0, 1, 3]


@pytest.mark.parametrize(
    ("rule", "number", "why"),
    [
        ({}, 1, "the knee of the front"),
        ({"latency_max_ms": 12}, 1, "the best accuracy within the limits"),
        ({"by": "accuracy"}, 0, "the best accuracy"),
        ({"by": "latency", "accuracy_min": 0.6}, 1, "the best latency within the limits"),
        ({"by": "knee", "latency_max_ms": 7}, 3, "the knee of the front within the limits"),
    ],
)
def test_the_rule_of_the_use_case_chooses(rule: dict[str, Any], number: int, why: str) -> None:
    found = [trial(0, 0.9, 30), trial(1, 0.8, 10), trial(2, 0.7, 20), trial(3, 0.5, 5)]
    chosen = choose(tuning(choose=rule), found)
    assert (chosen.trial.number, chosen.why, chosen.within) == (number, why, True)


def test_where_nobody_keeps_the_limits_the_knee_is_taken_and_that_is_said() -> None:
    chosen = choose(tuning(choose={"latency_max_ms": 1}), [trial(0, 0.9, 30), trial(1, 0.8, 10)])
    assert not chosen.within
    assert chosen.why.startswith("no trial keeps the limits")


def test_without_a_complete_trial_there_is_nothing_to_choose_and_the_first_failure_is_named() -> None:
    with pytest.raises(GatesFailed, match=r"no complete trial among 2; trial 1 failed: no memory"):
        choose(tuning(), [trial(0, state="stopped"), trial(1, state="failed", why="no memory")])


# The report


def test_the_report_shows_every_trial_and_asks_the_network_for_nothing() -> None:
    found = [trial(number, 0.5 + 0.04 * number, 5 + number) for number in range(10)]
    found += [
        trial(10, state="stopped", series={"epoch": (1,), ACCURACY: (0.125,)}),
        trial(11, state="failed", why="a <loss> of nan"),
    ]
    page = report_page("shapes", tuning(), found)
    assert page == report_page("shapes", tuning(), found)
    assert re.findall(r"<h2>(.*?)</h2>", page) == [
        "Pareto front", "Settings and figures", "What mattered", "Trials",
    ]  # fmt: skip
    assert "stopped early, at 0.125" in page
    assert "failed: a &lt;loss&gt; of nan" in page
    assert page.count("data:image/svg+xml;base64,") == 3
    assert "http" not in page
    assert set(importances(tuning(), found[:10])["accuracy"]) == set(SPACE)
    assert importances(tuning(), found[:9]) == {}


def test_a_search_in_which_nothing_was_complete_has_a_report_too() -> None:
    page = report_page("shapes", tuning(), [trial(0, state="failed", why="no memory")])
    assert "No trial is complete" in page
    assert "failed: no memory" in page
