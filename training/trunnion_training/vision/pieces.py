"""Batches that are learnt from piece by piece, because the memory of a GPU holds no more of one at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from trunnion_contract.errors import BadInput
from trunnion_contract.files import write_text
from trunnion_training.vision.schedule import history

PIECES = "pieces.txt"


class Pieces:
    """In how many pieces; what was found out stands in a file, so that nobody has to run out of memory again."""

    def __init__(self, folder: Path, smallest: int) -> None:
        self._file, self._smallest = folder / PIECES, smallest
        self.count = pieces_in(folder)

    def of(self, part: Sequence[int]) -> list[Sequence[int]]:
        """The pieces of some images, as even as can be, none of fewer than the smallest number."""
        count = max(1, min(self.count, len(part) // self._smallest))
        return [part[first::count] for first in range(count)]

    def halve(self, images: int) -> None:
        """Make the pieces of so many images half as large.

        Raises:
            BadInput: they are as small as they can be.
        """
        if images < 2 * self.count * self._smallest:
            raise BadInput(
                where="models.detector: the GPU's memory",
                got=f"not enough for {-(-images // self.count)} images at once",
                wanted=f"room for {self._smallest}",
                next_step="take a smaller models.detector.image_size_px, or a GPU with more memory",
            )
        self.count *= 2
        write_text(self._file, str(self.count))


def pieces_in(folder: Path) -> int:
    """How many pieces a training that goes on in this folder takes."""
    file = folder / PIECES
    return int(file.read_text()) if file.exists() else 1


def standing(work_dir: Path) -> tuple[int, str]:
    """Where a training of several processes stands: whole epochs, and what else a person should know."""
    return len(history(work_dir).get("epoch", ())), words(pieces_in(work_dir))


def words(pieces: int) -> str:
    """What a person is told."""
    return f", batches in {pieces} pieces for want of GPU memory" if pieces > 1 else ""
