"""Demonstrations from one form to another: `python -m trunnion_training.policy.convert FROM TO`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from trunnion_contract.errors import BadInput, ExitCode, TrunnionError
from trunnion_training.policy.exchange.demonstrated import Demonstrated, Wishes
from trunnion_training.policy.exchange.lerobot_reader import is_lerobot, read_lerobot
from trunnion_training.policy.exchange.lerobot_writer import write_lerobot
from trunnion_training.policy.exchange.minari_form import is_minari, read_minari, write_minari
from trunnion_training.policy.recorded_episode import RecordedEpisode
from trunnion_training.policy.recording import open_recording, write_recording

_PARQUET = b"PAR1"


def convert(
    source: Path, target: Path, form: str | None = None, wishes: Wishes | None = None
) -> Demonstrated:
    """Read `source`, whatever form it has, and write `target`; gives what was read, with all episodes consumed.

    `form` is one of `WRITERS`; without it a recording is written.

    Raises:
        BadInput: `source` is none of the forms, or damaged; `target` is there already, or its form is not clear.
    """
    if target.exists():
        raise BadInput(
            where=str(target),
            got="something that is there already",
            wanted="a new name",
            next_step="choose another",
        )
    kind = form_of(source)
    chosen = form or "recording"
    if kind == chosen == "recording" and form is None:
        raise BadInput(
            where=str(target),
            got="a recording to convert, and no form",
            wanted=f"--as {' or '.join(WRITERS)}",
            next_step="say what to make of it",
        )
    read = READERS[kind](source, wishes or Wishes())
    WRITERS[chosen](target, read)
    return read


def form_of(source: Path) -> str:
    """The form of demonstrations, told from what is in them.

    Raises:
        BadInput: it is none of those that are known.
    """
    if source.is_file():
        with source.open("rb") as file:
            if file.read(len(_PARQUET)) == _PARQUET:
                return "recording"
    elif is_lerobot(source):
        return "lerobot"
    elif is_minari(source):
        return "minari"
    raise BadInput(
        where=str(source),
        got="a file of another kind"
        if source.is_file()
        else "another folder"
        if source.is_dir()
        else "nothing",
        wanted="a recording (Parquet), a LeRobotDataset v3 (meta/info.json) or a Minari data set (data/main_data.hdf5)",
        next_step="check the path",
    )


def _read_recording(source: Path, wishes: Wishes) -> Demonstrated:
    recording = open_recording(source)
    if not wishes.without_images:
        return Demonstrated(recording.header, recording.episodes())
    header = recording.header.model_copy(update={"image": None})
    return Demonstrated(header, _without_images(recording.episodes()))


def _without_images(episodes: Iterator[RecordedEpisode]) -> Iterator[RecordedEpisode]:
    return (replace(episode, images=None) for episode in episodes)


def _write_recording(target: Path, read: Demonstrated) -> None:
    write_recording(target, read.header, read.episodes)


READERS: Mapping[str, Callable[[Path, Wishes], Demonstrated]] = {
    "recording": _read_recording,
    "lerobot": read_lerobot,
    "minari": read_minari,
}
WRITERS: Mapping[str, Callable[[Path, Demonstrated], None]] = {
    "recording": _write_recording,
    "lerobot": write_lerobot,
    "minari": write_minari,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m trunnion_training.policy.convert", description=__doc__)
    parser.add_argument("source", metavar="FROM", type=Path, help="demonstrations; their form is seen")
    parser.add_argument("target", metavar="TO", type=Path, help="a name that is not there yet")
    parser.add_argument(
        "--as", dest="form", choices=WRITERS, help="the form to write; a recording by default"
    )
    parser.add_argument(
        "--rate-hz", type=float, help="how often was recorded, where the source does not say it"
    )
    parser.add_argument("--without-images", action="store_true", help="take numbers only")
    given = parser.parse_args(arguments)
    try:
        read = convert(given.source, given.target, given.form, Wishes(given.rate_hz, given.without_images))
    except TrunnionError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    left_out = f"; left out: {', '.join(read.left_out)}" if read.left_out else ""
    print(f"{given.target}: {form_of(given.target)} at {read.header.rate_hz:g} Hz{left_out}")
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main())
