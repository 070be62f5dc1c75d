"""How far the building of an engine is, from the nested phases that the builder tells of. Knows no runtime."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from trunnion_contract.progress import Progress

_log = logging.getLogger(__name__)

# A bar of so many steps: fine enough for an hour.
TOTAL = 1000
_SAY_EVERY_S = 10.0
# Before that much is done, time left is a guess that misleads.
_KNOWN_FROM = 0.02


@dataclass
class _Phase:
    parent: str
    steps: int
    done: int = 0


class BuildProgress:
    """Moves a `Progress` along. The builder calls from threads of its own.

    Nothing that is raised here (by the progress, or by a Ctrl-C at that moment) may fly through the builder, which is
    no Python: it is kept as `stop_reason`, the builder is asked to give up, and the caller raises it then.
    """

    def __init__(self, progress: Progress, clock_s: Callable[[], float] = time.monotonic) -> None:
        self.stop_reason: BaseException | None = None
        self._progress, self._clock_s = progress, clock_s
        self._lock = threading.Lock()
        self._phases: dict[str, _Phase] = {}
        self._shown, self._began_s = 0, clock_s()

    def phase_start(self, name: str, parent: str | None, steps: int) -> None:
        """A phase of `steps` steps begins, within the current step of `parent`."""
        with self._keeping_what_is_raised():
            self._phases[name] = _Phase(parent or "", max(steps, 1))

    def step_complete(self, name: str, step: int) -> bool:
        """Step number `step` of a phase is done; False asks the builder to give up."""
        with self._keeping_what_is_raised():
            if phase := self._phases.get(name):
                phase.done = min(max(step + 1, phase.done), phase.steps)
            self._show()
        return self.stop_reason is None

    def phase_finish(self, name: str) -> None:
        """A phase has ended, whether or not all its steps were told of."""
        with self._keeping_what_is_raised():
            # An outermost phase that has ended stays as done; an inner one is counted by its parent's step.
            if (phase := self._phases.get(name)) and not phase.parent:
                phase.done = phase.steps
            else:
                self._phases.pop(name, None)
            self._show()

    @contextmanager
    def _keeping_what_is_raised(self) -> Iterator[None]:
        try:
            with self._lock:
                yield
        except BaseException as error:
            self.stop_reason = self.stop_reason or error

    def fraction(self) -> float:
        """How much is done, 0 to 1, as far as the phases tell: each outermost one counts alike."""
        roots = [name for name, phase in self._phases.items() if not phase.parent]
        return sum(self._fraction(name) for name in roots) / len(roots) if roots else 0.0

    def _fraction(self, name: str) -> float:
        phase = self._phases[name]
        inner = [child for child, other in self._phases.items() if other.parent == name]
        part = sum(self._fraction(child) for child in inner) / len(inner) if inner else 0.0
        return min((phase.done + part) / phase.steps, 1.0)

    def _show(self) -> None:
        """Never backwards: a phase that begins late would make a person doubt the rest."""
        if self.stop_reason is None:
            now = int(self.fraction() * TOTAL)
            self._progress.advance(max(now - self._shown, 0), self._time_left())
            self._shown = max(now, self._shown)

    def _time_left(self) -> str:
        fraction = self.fraction()
        if fraction < _KNOWN_FROM:
            return ""
        return time_left((self._clock_s() - self._began_s) * (1 - fraction) / fraction)


class LoggedProgress:
    """Progress in the log: a line at once, one every few seconds, and one at the end.

    A thread of its own speaks where nobody tells of progress for so long: one step of a builder may take minutes.
    """

    def __init__(
        self, clock_s: Callable[[], float] = time.monotonic, say_every_s: float = _SAY_EVERY_S
    ) -> None:
        self._clock_s, self._say_every_s = clock_s, say_every_s
        self._ended = threading.Event()
        self._label, self._count, self._total, self._said_s, self._began_s = "", 0, 1, 0.0, 0.0

    def start(self, label: str, total: int) -> None:
        """Say what begins."""
        self._label, self._count, self._total = label, 0, max(total, 1)
        self._began_s = self._said_s = self._clock_s()
        _log.info("%s: begins; this can take from a minute to an hour, once on this device", label)
        self._ended.set()
        self._ended = threading.Event()
        threading.Thread(target=self._go_on, args=(self._ended,), name="progress", daemon=True).start()

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Say how far it is, where some seconds have gone by."""
        self._count += steps
        self._say(note)

    def done(self, note: str = "") -> None:
        """Say how long it took."""
        self._ended.set()
        words = f"done in {self._clock_s() - self._began_s:.0f} s {note}".rstrip()
        _log.info("%s: %s", self._label, words)

    def _go_on(self, ended: threading.Event) -> None:
        while not ended.wait(self._say_every_s):
            self._say(f"still at work after {_duration(self._clock_s() - self._began_s)}")

    def _say(self, note: str) -> None:
        now_s = self._clock_s()
        if now_s - self._said_s >= self._say_every_s:
            self._said_s = now_s
            _log.info("%s: %d %% %s", self._label, 100 * self._count // self._total, note)


def time_left(seconds: float) -> str:
    """For a person, who needs no more than a minute's precision from one minute on."""
    return f"about {_duration(seconds)} left"


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"
