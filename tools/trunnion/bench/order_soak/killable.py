"""A process that is started again whenever it was killed."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class Killable:
    """Runs `command` while the block lasts; use it with `with`. `kind` is what its kills are counted as."""

    def __init__(self, kind: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.kind = kind
        self._command, self._environment, self._log = command, environment, log

    def __enter__(self) -> Killable:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def kill(self) -> None:
        """End it as a power cut does, and start it anew."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._start()

    def _start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=dict(self._environment), stdout=log, stderr=log
            )
