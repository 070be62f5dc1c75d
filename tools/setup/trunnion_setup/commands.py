"""Run a command with its output in a log file; what failed is shown from there."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from trunnion_setup.failure import SetupFailed

LINES_SHOWN = 25


class CommandLog:
    """Runs commands one after the other and keeps what they print."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def run(
        self,
        where: str,
        command: Sequence[str | Path],
        environment: Mapping[str, str],
        folder: Path,
        next_step: str = "",
    ) -> None:
        """Raises SetupFailed with the end of the output where the command exits with another code than 0."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        words = [str(word) for word in command]
        with self.path.open("a+") as log:
            log.write(f"\n$ {' '.join(words)}\n")
            log.flush()
            start = log.tell()
            code = subprocess.run(words, env=dict(environment), cwd=folder, stdout=log, stderr=log).returncode
            log.seek(start)
            tail = log.read().splitlines()[-LINES_SHOWN:]
        if code:
            shown = "\n".join(f"    {line}" for line in tail)
            got = f"{Path(words[0]).name} ended with exit code {code}\n{shown}"
            advice = next_step or f"read {self.path}, mend what it says, and run the same command again"
            raise SetupFailed(where, got, "exit code 0", advice)
