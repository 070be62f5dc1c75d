"""What a dataset is made from, as digests: it is made again when one of them changes."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import entry_points

from trunnion_contract.data_sources import SimulationImages
from trunnion_contract.data_sources import Source as SourceSettings
from trunnion_contract.files import digest_file, digest_json, digest_tree
from trunnion_contract.usecase import UseCase
from trunnion_training.sources import GROUP


def source_digests(usecase: UseCase) -> dict[str, str]:
    """Name to digest of all files, listings of stores and answers of databases that the sources read.

    Raises:
        BadInput: a store or a database does not answer.
    """
    return {name: digest for source in _sources(usecase) for name, digest in _digests(source, usecase)}


def source_modules(usecase: UseCase) -> tuple[str, ...]:
    """The modules that read the sources; nothing imports them by name."""
    kinds = {source.kind for source in _sources(usecase)}
    return tuple(sorted(entry.module for entry in entry_points(group=GROUP) if entry.name in kinds))


def _sources(usecase: UseCase) -> tuple[SourceSettings, ...]:
    return usecase.data.sources if usecase.data else ()


def _digests(source: SourceSettings, usecase: UseCase) -> Iterator[tuple[str, str]]:
    if source.metadata:
        from trunnion_training.sources.metadata import query_digest

        yield f"metadata of {_label(source)}", query_digest(source.metadata, usecase)
    if isinstance(source, SimulationImages):
        return
    if source.url:
        from trunnion_training.sources.fetched import listing_digest

        yield f"files of {source.url}", listing_digest(source.url)
        return
    paths = [usecase.beside(path) for path in (source.path, source.annotations) if path]
    files = [digest_file(path) if path.is_file() else digest_tree(path) for path in paths]
    yield f"files of {source.path}", digest_json(files)


def _label(source: SourceSettings) -> str:
    return source.kind if isinstance(source, SimulationImages) else str(source.url or source.path)
