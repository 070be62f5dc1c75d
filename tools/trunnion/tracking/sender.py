"""What sends the journal: beside the flow, in a process of its own, because MLflow takes seconds to import."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trunnion.tracking.outbox import Outbox
from trunnion.tracking.store import JOURNAL, Store, outbox_of, store_of
from trunnion_contract.errors import TrunnionError

LOG = "sender.log"
# The first time, MLflow also makes its tables.
_ENDS_WITHIN_S = 60.0


@dataclass
class Delivery:
    """How many runs the store took, what waits, and why."""

    sent: int = 0
    kept: int = 0
    why: str = ""


def deliver(outbox: Outbox, store: Store) -> Delivery:
    """Send what waits; what cannot be sent stays."""
    with outbox.sending():
        waiting, done = outbox.pending(), Delivery()
        try:
            if waiting:
                store.check_reachable()
            for run in waiting:
                store.send(run, outbox)
                outbox.sent(run)
                done.sent += 1
        except Exception as error:
            # Whatever MLflow, its database or the network come up with: the flow goes on, and the journal holds it.
            done.why = error.got if isinstance(error, TrunnionError) else f"{type(error).__name__}: {error}"
        done.kept = len(outbox.pending())
    return done


@dataclass
class Sender:
    """The process that delivers whenever it is told to; it starts when there is something, and dies with its caller.

    It is told over its standard input. When that ends it delivers a last time and says what came of it.
    """

    runs: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def go(self) -> None:
        """Deliver soon."""
        if self._process is None:
            folder = self.runs / JOURNAL
            folder.mkdir(parents=True, exist_ok=True)
            command = [sys.executable, "-m", "trunnion.tracking.sender", str(self.runs)]
            with (folder / LOG).open("wb") as log:
                self._process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
                )
        assert self._process.stdin is not None
        # One that died is missed at the end.
        with suppress(BrokenPipeError):
            os.write(self._process.stdin.fileno(), b"go\n")

    def end(self) -> Delivery | None:
        """Wait for the last delivery; None where nothing was to be delivered."""
        if self._process is None:
            return None
        try:
            out, _ = self._process.communicate(timeout=_ENDS_WITHIN_S)
            return Delivery(**json.loads(out))
        except (subprocess.TimeoutExpired, ValueError):
            self._process.kill()
            self._process.wait()
            waiting = len(outbox_of(self.runs).pending())
            return Delivery(kept=waiting, why=f"the sender gave up, see {self.runs / JOURNAL / LOG}")

    def leave(self) -> None:
        """Let it finish by itself: a person who stops a flow does not wait for it."""
        if self._process and self._process.stdin:
            self._process.stdin.close()


def _serve(runs: Path, lines: Callable[[], bytes]) -> Delivery:
    outbox, store, whole = outbox_of(runs), store_of(runs), Delivery()
    while True:
        more = lines()
        last = deliver(outbox, store)
        whole = Delivery(whole.sent + last.sent, last.kept, last.why)
        if not more:
            return whole


if __name__ == "__main__":
    # Ctrl-C reaches the whole group of the flow; what was kept is still sent.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    words: dict[str, Any] = vars(_serve(Path(sys.argv[1]), lambda: os.read(0, 1 << 16)))
    print(json.dumps(words))
