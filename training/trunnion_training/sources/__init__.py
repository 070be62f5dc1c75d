"""Where labelled images come from: a file per kind of source, found by the entry point group trunnion.sources."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from trunnion_contract.data_sources import Source as SourceSettings
from trunnion_contract.dataset import LabelledImage
from trunnion_contract.errors import BadInput
from trunnion_contract.progress import Progress
from trunnion_contract.usecase import UseCase
from trunnion_training.findings import Finding

GROUP = "trunnion.sources"


class Source(Protocol):
    """Made as `kind(settings, usecase)`; a source that reads foreign files is a `ReportsFindings` too."""

    def collect(self, out_dir: Path, progress: Progress) -> Sequence[LabelledImage]:
        """Give all images with their labels, in a stable order.

        `out_dir` is this source's own folder for what it renders or fetches. What an interrupted call left there may
        be taken up again.
        """


@runtime_checkable
class ReportsFindings(Protocol):
    """A source that tells what it could not use."""

    findings: Sequence[Finding]


def open_source(settings: SourceSettings, usecase: UseCase) -> Source:
    """The source of a use case's `data.sources` entry.

    Raises:
        BadInput: no installed package brings a source of this kind.
    """
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    if settings.kind not in found:
        raise BadInput(
            where=f"{usecase.name}: data.sources", got=f"kind '{settings.kind}', which no installed package brings",
            wanted=f"one of {', '.join(sorted(found)) or 'none is installed'}",
            next_step="install the package that brings it (simulation: trunnion-sim)",
        )  # fmt: skip
    kind: Any = found[settings.kind].load()
    source: Source = kind(settings, usecase)
    return source
