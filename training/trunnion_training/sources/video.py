"""Films, sampled: frames with the labels of CVAT's tracks, or without any, to be labelled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2

from trunnion_contract.data_sources import Video
from trunnion_contract.dataset import LabelledImage
from trunnion_contract.errors import BadInput
from trunnion_contract.progress import Progress
from trunnion_contract.usecase import UseCase
from trunnion_training.findings import Finding
from trunnion_training.sources.cvat import annotations_of, tracked
from trunnion_training.sources.export import Corners
from trunnion_training.sources.folder import ANNOTATION_BYTES_MAX
from trunnion_training.sources.frames import Frame, Sampling, write_frame
from trunnion_training.sources.text import read_text

_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg")
Tracks = dict[int, list[tuple[Corners, str]]]


class VideoSource:
    """Reads a film, or all films below a folder."""

    def __init__(self, settings: Video, usecase: UseCase) -> None:
        self._settings = settings
        self._place = usecase.beside(settings.path)
        self._annotations = usecase.beside(settings.annotations) if settings.annotations else None
        self.findings: list[Finding] = []

    def collect(self, out_dir: Path, progress: Progress) -> Sequence[LabelledImage]:
        """Write the frames to `out_dir`; a film that cannot be read is a finding, unless there is no other."""
        films = self._films()
        tracks = {film: self._tracks(film, len(films)) for film in films}
        progress.start("reading films", len(films))
        taken: list[LabelledImage] = []
        for film in films:
            name = film.relative_to(self._place).as_posix() if film != self._place else film.name
            taken += [
                write_frame(frame, name, out_dir, self._settings.scene_s)
                for frame in self._frames(film, name, tracks[film])
            ]
            progress.advance()
        progress.done()
        if not taken:
            self._refuse(
                f"no frame ({self.findings[-1].what})" if self.findings else "no frame in that range"
            )
        return taken

    def _films(self) -> list[Path]:
        if self._place.is_file():
            return [self._place]
        found = (path for path in self._place.rglob("*") if path.suffix.lower() in _SUFFIXES)
        return sorted(found) or self._refuse("no film in it")

    def _frames(self, film: Path, name: str, tracks: Tracks | None) -> Iterator[Frame]:
        capture = cv2.VideoCapture(str(film))
        try:
            if not capture.isOpened():
                self.findings.append(Finding(name, "unreadable film", "film left out"))
                return
            yield from self._sampled(capture, name, tracks)
        finally:
            capture.release()

    def _sampled(self, capture: cv2.VideoCapture, name: str, tracks: Tracks | None) -> Iterator[Frame]:
        sampling, index = Sampling(self._settings), 0
        rate_hz = capture.get(cv2.CAP_PROP_FPS) or 25.0
        while capture.grab():
            time_s = index / rate_hz
            if sampling.is_over(time_s):
                return
            if sampling.takes(time_s):
                read, picture = capture.retrieve()
                if not read:
                    break
                yield Frame(picture, time_s, None if tracks is None else tracks.get(index, []))
            index += 1
        promised = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        if index < promised:
            self.findings.append(
                Finding(
                    name, "film that ends early", "frames until there taken", f"{index} of {promised} frames"
                )
            )

    def _tracks(self, film: Path, films: int) -> Tracks | None:
        if self._annotations is None:
            return None
        file = self._annotations / f"{film.stem}.xml" if self._annotations.is_dir() else self._annotations
        if not file.is_file():
            self.findings.append(Finding(film.name, "film without annotations", "frames to be labelled"))
            return None
        if self._annotations.is_file() and films > 1:
            raise BadInput(
                where=str(file), got=f"one file of annotations for {films} films",
                wanted="a folder with FILM.xml for each",
                next_step="name that folder in `annotations`",
            )  # fmt: skip
        text, findings = read_text(file, ANNOTATION_BYTES_MAX)
        self.findings += findings
        return tracked(annotations_of(text, file))

    def _refuse(self, got: str) -> list[Path]:
        raise BadInput(
            where=f"data.sources (video): {self._place}", got=got, wanted=f"films ({', '.join(_SUFFIXES)})",
            next_step="correct the path, or `start_s` and `end_s`",
        )  # fmt: skip
