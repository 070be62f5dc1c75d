"""The book of a search: which trial is next, and what became of each; written down before anything else is done.

It knows nothing of Ray: whoever tries the trials tells it by their numbers, as often as it likes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

from trunnion_contract.tuning import Objective, Tuning
from trunnion_training.tuning.study import Study
from trunnion_training.tuning.trials import State, TrialRecord, Trials

EPOCH = "epoch"


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@dataclass
class Outcome:
    """What a trial came to: figures, or why there are none."""

    figures: dict[Objective, float] = field(default_factory=dict)
    why: str = ""


class Book:
    """What is known, and what is still to be done.

    Attributes:
        news: a record for each trial that began or came to its end, for whoever shows them.
    """

    def __init__(self, tuning: Tuning, trials: Trials, clock_ms: Callable[[], int] = now_ms) -> None:
        self._tuning, self._trials, self._clock_ms = tuning, trials, clock_ms
        known = trials.all()
        self.news: SimpleQueue[TrialRecord] = SimpleQueue()
        self._records = {record.number: record for record in known}
        self._waiting = [record.number for record in known if record.state == "running"]
        self._study = Study(tuning, known)
        self._went_on_ms: dict[int, int] = {}

    @property
    def records(self) -> list[TrialRecord]:
        """All trials, in the order in which they were proposed."""
        return [self._records[number] for number in sorted(self._records)]

    @property
    def left(self) -> int:
        """How many are to be done, those that wait to go on among them."""
        new = max(0, self._tuning.trials - len(self._records))
        return len(self._waiting) + new

    def next(self) -> int | None:
        """The number of a trial to be done: one that was not at its end, else a new one; None where there is none."""
        if self._waiting:
            return self._begin(self._records[self._waiting.pop(0)])
        number = max(self._records, default=-1) + 1
        values = self._study.propose(number) if len(self._records) < self._tuning.trials else None
        if values is None:
            return None
        return self._begin(TrialRecord(number=number, values=values, began_ms=self._clock_ms()))

    def heard(self, number: int, epoch: Mapping[str, Any]) -> None:
        """Hear what an epoch came to; one that was heard of before is not counted again."""
        record = self._records[number]
        done = len(record.series.get(EPOCH, ()))
        if record.state != "running" or epoch.get(EPOCH) != done + 1:
            return
        series = {
            name: (*record.series.get(name, ()), float(value))
            for name, value in epoch.items()
            if len(record.series.get(name, ())) == done
        }
        self._records[number] = record.model_copy(update={"series": series})

    def ended(self, number: int, outcome: Outcome | None) -> None:
        """Hear that a trial is at its end; None where it was stopped because others learnt better."""
        record = self._records[number]
        if record.state != "running":
            return
        state: State = "stopped" if outcome is None else "complete" if outcome.figures else "failed"
        now = self._clock_ms()
        spent_s = (now - self._went_on_ms.get(number, now)) / 1000
        changes = {
            "state": state,
            "figures": outcome.figures if outcome else {},
            "why": outcome.why if outcome else "",
            "ended_ms": now,
            "seconds": round(record.seconds + spent_s, 1),
        }
        self._keep(record.model_copy(update=changes))
        self._study.tell(self._records[number])

    def _begin(self, record: TrialRecord) -> int:
        self._went_on_ms[record.number] = self._clock_ms()
        # What the epochs before came to is told again by whoever goes on after them.
        self._keep(record.model_copy(update={"series": {}}))
        return record.number

    def _keep(self, record: TrialRecord) -> None:
        self._records[record.number] = record
        self._trials.write(record)
        self.news.put(record)
