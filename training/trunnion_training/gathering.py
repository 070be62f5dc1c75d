"""Gathering: what the sources of a use case give, with class names, owners and times as the use case wants them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from trunnion_contract.data_sources import SimulationImages
from trunnion_contract.data_sources import Source as SourceSettings
from trunnion_contract.dataset import LabelledImage
from trunnion_contract.progress import Progress
from trunnion_contract.usecase import UseCase
from trunnion_training.class_names import check_spellings, renamed
from trunnion_training.findings import Finding
from trunnion_training.sources import ReportsFindings, open_source


@dataclass(frozen=True)
class Gathered:
    """What one source gave.

    Attributes:
        name: its position and kind, which tell it from the others.
        names: of each item for people, relative to the source.
    """

    name: str
    settings: SourceSettings
    items: Sequence[LabelledImage]
    names: Sequence[str]
    findings: Sequence[Finding]


def gather(usecase: UseCase, work_dir: Path, progress: Progress) -> Iterator[Gathered]:
    """Collect one source after another; `work_dir` keeps what they fetch and render.

    Raises:
        BadInput: a source cannot be read at all, or spells a class unlike the use case.
    """
    for index, settings in enumerate(usecase.data.sources if usecase.data else ()):
        name = f"{index}-{settings.kind}"
        folder = work_dir / name
        folder.mkdir(parents=True, exist_ok=True)
        yield _gather(settings, usecase, name, folder, progress)


def _gather(
    settings: SourceSettings, usecase: UseCase, name: str, folder: Path, progress: Progress
) -> Gathered:
    settings = _brought_here(settings, folder, progress)
    source = open_source(settings, usecase)
    items = renamed(source.collect(folder, progress), settings.classes)
    left_out = [label for label, known in settings.classes.items() if known is None]
    check_spellings(items, usecase.classes, left_out, f"data.sources.{name}")
    findings = list(source.findings) if isinstance(source, ReportsFindings) else []
    roots = [folder] if isinstance(settings, SimulationImages) else [usecase.beside(settings.path), folder]
    starts = [f"{root.as_posix()}/" for root in roots]
    names = [_name(item.image, starts) for item in items]
    if settings.metadata:
        from trunnion_training.sources.metadata import joined, query

        rows = query(settings.metadata, usecase)
        items, without = joined(items, names, rows, settings.provenance)
        findings += without
    return Gathered(name, settings, items, names, findings)


def _brought_here(settings: SourceSettings, folder: Path, progress: Progress) -> SourceSettings:
    """The settings of a source whose files are on this machine."""
    if isinstance(settings, SimulationImages) or settings.url is None:
        return settings
    from trunnion_training.sources.fetched import fetch

    root = fetch(settings.url, folder, progress)
    annotations = root / settings.annotations if settings.annotations else None
    return settings.model_copy(update={"url": None, "path": root / settings.path, "annotations": annotations})


def _name(image: Path, roots: Sequence[str]) -> str:
    path = image.as_posix()
    root = next((root for root in roots if path.startswith(root)), None)
    return path[len(root) :] if root else image.name
