"""Records what an environment's expert does: `python -m trunnion_training.policy.record ENV OUT ...`."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from trunnion_contract.errors import BadInput, ExitCode, TrunnionError
from trunnion_contract.files import digest_json
from trunnion_contract.progress import Progress
from trunnion_training.policy.demonstrations import demonstrate
from trunnion_training.policy.environment import Task
from trunnion_training.policy.recorded_episode import RecordedEpisode
from trunnion_training.policy.recording import header_in, write_recording
from trunnion_training.policy.recording_form import Contents


def record(task: Task, episodes: int, seed: int, out: Path, progress: Progress) -> Contents:
    """Let the expert play `episodes` episodes, and keep those in which it succeeded.

    Stopped at any moment, the same call plays only the episodes that are missing.

    Raises:
        BadInput: `out` is there already, or the environment does not fit.
    """
    if out.exists():
        raise BadInput(
            where=str(out),
            got="something that is there already",
            wanted="a new name",
            next_step="choose another",
        )
    header = header_in(task, seed)
    identity = digest_json([header.model_dump(mode="json"), *task.plain()])
    work = out.with_name(f".{out.name}.{identity[:12]}.episodes")
    played = demonstrate(task, episodes, seed, work, progress)
    kept = (RecordedEpisode(e.observations, e.actions, success=True) for e in played.episodes)
    contents = write_recording(out, header, kept)
    shutil.rmtree(work)
    return contents


class _Lines:
    """Progress as lines, for a terminal and for a log."""

    def __init__(self) -> None:
        self._label, self._total, self._done = "", 0, 0

    def start(self, label: str, total: int) -> None:
        """Count anew."""
        self._label, self._total, self._done = label, total, 0

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Write a line."""
        self._done += steps
        print(f"{self._label}: {self._done} of {self._total} {note}".rstrip(), file=sys.stderr)

    def done(self, note: str = "") -> None:
        """The last line says it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m trunnion_training.policy.record", description=__doc__)
    parser.add_argument("env", metavar="ENV", help="a registered environment with an expert")
    parser.add_argument("out", metavar="OUT", type=Path, help="the Parquet file to write")
    parser.add_argument("--package", required=True, help="the package that registers ENV")
    parser.add_argument("--episodes", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    try:
        contents = record(Task(given.env, given.package), given.episodes, given.seed, given.out, _Lines())
    except TrunnionError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"{given.out}: {contents.episodes} of {given.episodes} episodes, {contents.steps} steps")
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main())
