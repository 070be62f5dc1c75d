"""`trunnion tune`: brings the data up to date, searches, chooses, and writes what came of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from trunnion.exclusive import only_one
from trunnion.pipeline import Run, Tracker, run_stages
from trunnion.stages import STAGES
from trunnion.stopped import Stopped, raise_if_stop_requested, stop_requested
from trunnion.tables import print_places
from trunnion.tracking.tracker import tracking
from trunnion.tuning.checks import epochs_max, given_stages, room, searched, tuning_of
from trunnion.tuning.chosen import chosen_text
from trunnion.tuning.memory import FOLDER, Memory, SearchRecord, about
from trunnion.tuning.tracked import Tracked
from trunnion.tuning.trial import Attempt
from trunnion.watchers import watching
from trunnion_contract.errors import ExitCode
from trunnion_contract.files import write_text
from trunnion_contract.tuning import UNITS, Tuning
from trunnion_contract.usecase import UseCase
from trunnion_training.tuning.book import Book
from trunnion_training.tuning.choice import Chosen, choose
from trunnion_training.tuning.report import report_page
from trunnion_training.tuning.trials import TrialRecord, Trials

REPORT, CHOSEN, TRIALS = "tuning.html", "chosen.yaml", "trials"


@dataclass(frozen=True)
class Asked:
    """What the command line says beyond the use case."""

    trials: int | None = None
    hours: float | None = None
    fresh: bool = False

    def over(self, tuning: Tuning) -> Tuning:
        """The section with what the command line says in place of it."""
        said = {"trials": self.trials, "hours_max": self.hours}
        return tuning.model_copy(update={name: value for name, value in said.items() if value is not None})


@dataclass(frozen=True)
class Search:
    """A search that is asked for.

    Attributes:
        run: of the whole use case.
        usecase: what is trained in each trial.
        given: stages that are made once, for all of them.
    """

    run: Run
    usecase: UseCase
    tuning: Tuning
    given: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where it remembers."""
        return self.run.folder / FOLDER

    @property
    def attempt(self) -> Attempt:
        """What tries a trial."""
        return Attempt(self.usecase, self.run.folder.resolve(), self.trials, self.given)

    @property
    def trials(self) -> Trials:
        """Its trials."""
        return Trials((self.folder / TRIALS).resolve())


def tune(console: Console, usecase: UseCase, where: str, runs: Path, asked: Asked) -> ExitCode:
    """Search the settings of a use case; the same call goes on where it was stopped.

    Raises:
        BadInput: the section does not fit the use case, or what was begun is about another search.
        GatesFailed: no trial is complete.
        Stopped: Ctrl-C.
    """
    tuning = asked.over(tuning_of(usecase, where))
    ours = searched(usecase.model_copy(update={"tuning": tuning}))
    search = Search(Run(usecase, runs / usecase.name), ours, tuning, given_stages(ours))
    try:
        with tracking(console, runs) as tracker:
            _make_given(console, search, tracker)
            # Nobody else shall change the data meanwhile.
            with only_one(search.run.folder / ".lock", "tuning this use case"):
                chosen, trials = _tune(console, search, asked.fresh, tracker)
    except KeyboardInterrupt:
        raise Stopped("tuning") from None
    except Exception:
        if stop_requested():
            raise Stopped("tuning") from None
        raise
    return _verdict(console, search, chosen, trials)


def _make_given(console: Console, search: Search, tracker: Tracker) -> None:
    """Bring up to date what is made once for all trials."""
    stages = [stage for stage in STAGES if stage.name in search.given]
    if stages:
        with watching(console) as watcher:
            run_stages(search.run, stages, stages[-1].name, watcher, tracker)


def _tune(
    console: Console, search: Search, fresh: bool, tracker: Tracker
) -> tuple[Chosen, list[TrialRecord]]:
    run, folder = search.run, search.folder
    memory = Memory(folder)
    record = memory.take_up(about(search.usecase, search.tuning, run, search.given), fresh)
    tracked = Tracked(tracker, run, record, search.tuning, search.given)
    tracked.began()
    try:
        trials = _search(console, search, memory, record, tracked)
        _report(search)
        chosen = choose(search.tuning, trials)
        write_text(folder / CHOSEN, chosen_text(run.usecase, chosen, str(folder / CHOSEN)))
    except BaseException as error:
        tracked.stopped(error, search.trials.all())
        raise
    tracked.ended(chosen, trials, [folder / REPORT, folder / CHOSEN])
    return chosen, trials


def _search(
    console: Console, search: Search, memory: Memory, record: SearchRecord, tracked: Tracked
) -> list[TrialRecord]:
    """Do what is left to be done, and give all trials."""
    from trunnion_training.cluster.search import search as search_in_ray

    tuning = search.tuning
    book = Book(tuning, search.trials)
    left_s = None if tuning.hours_max is None else 3600 * tuning.hours_max - record.spent_s
    if not book.left or (left_s is not None and left_s <= 0):
        return book.records
    ended = sum(one.state != "running" for one in book.records)
    lines, began_s = Lines(console, tuning, ended), time.monotonic()

    def told(trial: TrialRecord) -> None:
        lines.told(trial)
        tracked.told(trial)
        if trial.state != "running":
            memory.spent(record, time.monotonic() - began_s)
            _report(search)

    search_in_ray(
        tuning, book, search.attempt, memory.folder.resolve(), told, room=room(search.usecase),
        epochs_max=epochs_max(search.usecase), within_s=left_s,
    )  # fmt: skip
    raise_if_stop_requested()
    memory.spent(record, time.monotonic() - began_s)
    return book.records


def _report(search: Search) -> None:
    """Write the page anew, for whoever looks while the search goes on."""
    page = report_page(search.run.usecase.name, search.tuning, search.trials.all())
    write_text(search.folder / REPORT, page)


class Lines:
    """A line for each trial that is at its end."""

    def __init__(self, console: Console, tuning: Tuning, ended: int) -> None:
        self._console, self._tuning, self._ended = console, tuning, ended
        more = f", {ended} of them done before" if ended else ""
        objectives = ", ".join(f"{name} ({UNITS[name]})" for name in tuning.objectives)
        console.print(f"[bold]tune[/] ({tuning.trials} trials{more}; {objectives})", highlight=False)

    def told(self, trial: TrialRecord) -> None:
        """Say what became of it; nothing of one that begins."""
        if trial.state == "running":
            return
        values = ", ".join(f"{name.rpartition('.')[2]} {trial.values[name]}" for name in self._tuning.space)
        said = f"trial {trial.number}: {outcome_of(trial)} in {trial.seconds:.0f} s ({values})"
        self._ended += 1
        self._console.print(
            f"  {self._ended} of {self._tuning.trials}: {said}", highlight=False, markup=False, soft_wrap=True
        )


def outcome_of(trial: TrialRecord) -> str:
    """What became of a trial, in words."""
    if trial.state == "complete":
        return ", ".join(f"{name} {value:.4g}" for name, value in trial.figures.items())
    if trial.state == "failed":
        return f"failed: {trial.why}"
    epochs = len(trial.accuracy_by_epoch)
    best = f" at {max(trial.accuracy_by_epoch):.4g}" if epochs else ""
    return f"{trial.state} after {epochs} epoch{'s' if epochs != 1 else ''}{best}"


def _verdict(console: Console, search: Search, chosen: Chosen, trials: list[TrialRecord]) -> ExitCode:
    counts = {state: sum(one.state == state for one in trials) for state in ("complete", "stopped", "failed")}
    waiting = sum(one.state == "running" for one in trials)
    words = [f"{count} {state}" for state, count in counts.items() if count]
    words += [f"{waiting} not at their end, for want of hours"] if waiting else []
    console.print(f"tune: {', '.join(words)}", highlight=False)
    text = f"chosen: trial {chosen.trial.number} ({outcome_of(chosen.trial)}), {chosen.why}"
    console.print(text, highlight=False, markup=False, soft_wrap=True)
    folder = search.folder.resolve()
    print_places(console, {"report": folder / REPORT, "use case": folder / CHOSEN})
    return ExitCode.OK if chosen.within else ExitCode.GATES_FAILED
