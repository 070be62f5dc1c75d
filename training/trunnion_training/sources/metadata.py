"""What a table of a database says of single files: whose they are, what may be done with them, when they were taken."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import sqlalchemy
from sqlalchemy.engine import URL, make_url

from trunnion_contract.data_sources import Metadata, PersonalData, Provenance
from trunnion_contract.dataset import LabelledImage
from trunnion_contract.errors import BadInput
from trunnion_contract.files import digest_json
from trunnion_contract.strict import Strict, parse
from trunnion_contract.usecase import UseCase
from trunnion_training.findings import Finding

_WHERE = "data.sources.metadata"


class FileMetadata(Strict):
    """One row; what is NULL says nothing."""

    file: str
    owner: str | None = None
    licence: str | None = None
    personal_data: PersonalData | None = None
    consent: str | None = None
    acquired: date | None = None
    retention_days: int | None = None
    scene: str | None = None
    recorded: datetime | None = None

    def provenance(self, of_source: Provenance) -> Provenance:
        """What the source says, with what this row says over it."""
        said = {
            key: value
            for key in ("owner", "licence", "personal_data", "consent", "acquired", "retention_days")
            if (value := getattr(self, key)) is not None
        }
        return of_source.model_copy(update=said)

    def of(self, item: LabelledImage, of_source: Provenance) -> LabelledImage:
        """The image with what this row says of it."""
        provenance = self.provenance(of_source)
        return replace(
            item,
            provenance=provenance if provenance != of_source else item.provenance,
            scene=self.scene or item.scene,
            recorded_s=_seconds(self.recorded) if self.recorded else item.recorded_s,
        )


def joined(
    items: Sequence[LabelledImage],
    names: Iterable[str],
    rows: Mapping[str, FileMetadata],
    provenance: Provenance,
) -> tuple[list[LabelledImage], list[Finding]]:
    """Each image with the row of its name, else of the last part of it; an image without a row is a finding."""
    known, findings = [], []
    for item, name in zip(items, names, strict=True):
        row = rows.get(name) or rows.get(PurePosixPath(name).name)
        known.append(row.of(item, provenance) if row else item)
        if row is None:
            findings.append(Finding(name, "image without metadata", "what the source says holds"))
    return known, findings


def query(metadata: Metadata, usecase: UseCase) -> dict[str, FileMetadata]:
    """The rows of the query by file.

    Raises:
        BadInput: the database does not answer, or the rows are not of the form that `Metadata` describes.
    """
    url, columns = _url(metadata, usecase), FileMetadata.model_fields.keys()
    rows = _asked(url, metadata.query)
    if rows and (unknown := sorted(rows[0].keys() - columns)):
        raise _refused(
            f"column '{unknown[0]}'", f"columns of {', '.join(columns)}", "name it `AS` one of those"
        )
    found: dict[str, FileMetadata] = {}
    for number, row in enumerate(rows):
        said = parse(FileMetadata, row, f"{_WHERE}: row {number + 1}")
        if found.setdefault(said.file, said) != said:
            raise _refused(f"two rows that differ for {said.file}", "one row a file", "make the query choose")
    return found


def query_digest(metadata: Metadata, usecase: UseCase) -> str:
    """A digest of what the query answers now."""
    return digest_json(sorted(row.model_dump_json() for row in query(metadata, usecase).values()))


def _asked(url: URL, text: str) -> list[dict[str, Any]]:
    if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).is_file():
        # SQLite would make an empty one.
        raise _refused(f"{url.database}, which does not exist", "a database", "correct the url")
    try:
        engine = sqlalchemy.create_engine(url)
    except (sqlalchemy.exc.ArgumentError, ImportError) as error:
        raise _refused(
            f"no driver for {url.drivername} ({error})", "an installed one", "install it"
        ) from None
    try:
        with engine.connect() as connection:
            return [dict(row) for row in connection.execute(sqlalchemy.text(text)).mappings()]
    except sqlalchemy.exc.SQLAlchemyError as error:
        said = str(getattr(error, "orig", None) or error)[:160]
        raise _refused(
            f"no answer from {url.render_as_string()}: {said}", "rows", "correct url or query"
        ) from None
    finally:
        engine.dispose()


def _url(metadata: Metadata, usecase: UseCase) -> URL:
    text = metadata.url or os.environ.get(metadata.url_env or "")
    if not text:
        raise _refused(f"no environment variable {metadata.url_env}", "the database's URL in it", "set it")
    try:
        url = make_url(text)
    except sqlalchemy.exc.ArgumentError:
        raise _refused(
            "a url that SQLAlchemy cannot read", "such as sqlite:///plant.db", "correct it"
        ) from None
    if metadata.url and url.password is not None:
        raise _refused(
            "a url with a password",
            "no secret in a file",
            "put it in an environment variable, and name that in `url_env`",
        )
    if url.get_backend_name() == "sqlite" and url.database:
        return url.set(database=str(usecase.beside(url.database)))
    return url


def _seconds(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _refused(got: str, wanted: str, next_step: str) -> BadInput:
    return BadInput(where=_WHERE, got=got, wanted=wanted, next_step=next_step)
