"""What the law and the company allow of data: rules of the use case, and what they refuse."""

from __future__ import annotations

from datetime import date, timedelta

from pydantic import Field

from trunnion_contract.data_sources import Data, PersonalData, Provenance
from trunnion_contract.errors import BadInput
from trunnion_contract.strict import Strict

CONSENT_GIVEN = "given"
_GRAVITY: tuple[PersonalData, ...] = ("none", "incidental", "yes")


class Compliance(Strict):
    """Rules for every source and every file.

    `licences` are the names that may be used (any, when empty). `personal_data_max` is the gravest that may be in it;
    from `consent_for` on, `consent` has to begin with "given". With `retention_max_days`, everything has to say until
    when it may be kept, and that no longer.
    """

    licences: tuple[str, ...] = ()
    personal_data_max: PersonalData = "yes"
    consent_for: PersonalData | None = None
    retention_max_days: int | None = Field(default=None, ge=1)


def check_sources(data: Data, rules: Compliance | None, today: date) -> None:
    """Refuse a `data` section that the rules forbid.

    Sources whose `metadata` may say otherwise of each file are checked file by file, when they have been read.

    Raises:
        BadInput: names the source and the rule.
    """
    for index, source in enumerate(data.sources):
        if source.metadata is None:
            check(
                source.provenance,
                rules,
                f"data.sources.{index} ({source.kind}: {source.provenance.origin})",
                today,
            )


def check(provenance: Provenance, rules: Compliance | None, where: str, today: date) -> None:
    """Refuse what is held beyond its time, and what the rules forbid.

    Raises:
        BadInput: names `where` and the rule.
    """
    until = kept_until(provenance)
    if until is not None and until < today:
        raise BadInput(
            where=where, got=f"data whose retention ended on {until}",
            wanted="none that is kept for longer than it may be",
            next_step="see what goes: trunnion data expire USECASE",
        )  # fmt: skip
    for rule, got, wanted in _broken(provenance, rules or Compliance()):
        raise BadInput(
            where=where, got=got, wanted=f"{wanted} (compliance.{rule})",
            next_step="leave the source out, or correct what `provenance` or the table says of it",
        )  # fmt: skip


def kept_until(provenance: Provenance) -> date | None:
    """The last day on which the data may be kept; None where nothing limits it."""
    if provenance.retention_days is None or provenance.acquired is None:
        return None
    return provenance.acquired + timedelta(days=provenance.retention_days)


def _broken(provenance: Provenance, rules: Compliance) -> list[tuple[str, str, str]]:
    """Each broken rule: its name, what was got, and what it wants."""
    broken = []
    gravity = _GRAVITY.index(provenance.personal_data)
    allowed = {licence.casefold() for licence in rules.licences}
    if allowed and provenance.licence.casefold() not in allowed:
        broken.append(("licences", f"licence {provenance.licence}", f"one of {', '.join(rules.licences)}"))
    if gravity > _GRAVITY.index(rules.personal_data_max):
        got = f"personal_data: {provenance.personal_data}"
        broken.append(("personal_data_max", got, f"at most '{rules.personal_data_max}'"))
    needs_consent = rules.consent_for is not None and gravity >= _GRAVITY.index(rules.consent_for)
    if needs_consent and not provenance.consent.casefold().startswith(CONSENT_GIVEN):
        wanted = f"one that begins with '{CONSENT_GIVEN}', for personal_data: {provenance.personal_data}"
        broken.append(("consent_for", f"consent: {provenance.consent}", wanted))
    return broken + _retention(provenance, rules)


def _retention(provenance: Provenance, rules: Compliance) -> list[tuple[str, str, str]]:
    limit, days = rules.retention_max_days, provenance.retention_days
    if days is not None and provenance.acquired is None:
        return [("retention_max_days", "retention_days without `acquired`", "the day from which they count")]
    if limit is None or (days is not None and days <= limit):
        return []
    got = "no retention_days" if days is None else f"retention_days: {days}"
    return [("retention_max_days", got, f"at most {limit}")]
