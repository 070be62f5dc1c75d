"""What every form of demonstrations is read as, and written from."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from trunnion_contract.errors import BadInput
from trunnion_contract.files import whole_folder
from trunnion_training.policy.recorded_episode import RecordedEpisode
from trunnion_training.policy.recording_form import RecordingHeader


@dataclass(frozen=True)
class Demonstrated:
    """A header, episodes that are read while they are asked for, and what of the source is not in them."""

    header: RecordingHeader
    episodes: Iterable[RecordedEpisode]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wishes:
    """What a person says about demonstrations that do not say it themselves.

    Attributes:
        rate_hz: how often was recorded, where the source is silent.
        without_images: take numbers only.
    """

    rate_hz: float | None = None
    without_images: bool = False


def unreadable(
    where: Path | str, got: str, wanted: str, next_step: str = "make the data set again"
) -> BadInput:
    """The refusal of a source that cannot be read."""
    return BadInput(where=str(where), got=got, wanted=wanted, next_step=next_step)


@contextmanager
def data_set_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes `path` when the block ends well; of what is refused nothing stays."""
    with whole_folder(path) as work:
        shutil.rmtree(work)  # what a killed run left
        work.mkdir()
        try:
            yield work
        except BadInput:
            shutil.rmtree(work)
            raise
