"""How the flow is shown: bars in a terminal, plain lines anywhere else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from trunnion.pipeline import Watcher
from trunnion.stopped import raise_if_stop_requested

# Gathering the trained models takes no time worth a line.
_WORDS = {
    "data": "data",
    "train.detector": "train the detector",
    "train.policy": "train the policy",
    "export": "export",
    "engine": "engine",
    "prove": "prove",
    "pack": "pack",
}
_LINE_EVERY_S = 10.0


def _words(stage: str) -> str | None:
    """How a person calls a stage; a proof in another suite is named for it."""
    known, _, suite = stage.partition(".")
    return _WORDS.get(stage) or (f"{_WORDS[known]} in {suite}" if known == "prove" else None)


class StageLines:
    """The lines about stages as such; what happens within one is for the subclasses."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def began(self, stage: str, why: str) -> None:
        if words := _words(stage):
            self._console.print(f"[bold]{words}[/] ({why})")

    def ended(self, stage: str, seconds: float) -> None:
        if words := _words(stage):
            self._console.print(f"[green]{words}[/]: done in {seconds:.0f} s")

    def reused(self, stage: str) -> None:
        if words := _words(stage):
            self._console.print(f"[green]{words}[/]: as it was, nothing changed")


class Bars(StageLines):
    """One bar at a time, removed when it is done."""

    def __init__(self, console: Console, progress: Progress) -> None:
        super().__init__(console)
        self._progress = progress
        self._task: TaskID | None = None

    def start(self, label: str, total: int) -> None:
        self.done()
        self._task = self._progress.add_task(label, total=total, note="")

    def advance(self, steps: int = 1, note: str = "") -> None:
        raise_if_stop_requested()
        if self._task is not None:
            fields: dict[str, Any] = {"note": note} if note else {}
            self._progress.update(self._task, advance=steps, **fields)

    def done(self, note: str = "") -> None:
        if self._task is None:
            return
        task = next(task for task in self._progress.tasks if task.id == self._task)
        text = note or task.fields["note"]
        self._progress.remove_task(self._task)
        self._task = None
        self._console.print(
            f"  {task.description}{f': {text}' if text else ''}", style="dim", highlight=False
        )


class PlainLines(StageLines):
    """A line when work starts, one every few seconds, and one at its end."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._label, self._note, self._count, self._total, self._said_s = "", "", 0, 0, 0.0

    def start(self, label: str, total: int) -> None:
        self.done()
        self._label, self._note, self._count, self._total = label, "", 0, total
        self._say(f"0 of {total}")

    def advance(self, steps: int = 1, note: str = "") -> None:
        raise_if_stop_requested()
        self._count += steps
        self._note = note or self._note
        if time.monotonic() - self._said_s >= _LINE_EVERY_S:
            self._say(f"{self._count} of {self._total} {self._note}".rstrip())

    def done(self, note: str = "") -> None:
        if self._label:
            self._say(note or self._note or "done")
        self._label = ""

    def _say(self, text: str) -> None:
        self._said_s = time.monotonic()
        self._console.print(f"  {self._label}: {text}", highlight=False, soft_wrap=True)


@contextmanager
def watching(console: Console) -> Iterator[Watcher]:
    """The watcher that suits where the output goes."""
    if not console.is_terminal:
        yield PlainLines(console)
        return
    columns = (
        TextColumn("  {task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", style="dim"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield Bars(console, progress)
