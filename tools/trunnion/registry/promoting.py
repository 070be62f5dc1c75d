"""`trunnion promote`: the candidate becomes champion, if it was proven, approved, and beats the champion."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from trunnion.approvals.approving import ledger_of
from trunnion.approvals.evidence import evidence_of
from trunnion.approvals.ledger import Entry, head
from trunnion.registry.contest import check_beats
from trunnion.registry.versions import CANDIDATE, CHAMPION, Registry, registry_of
from trunnion_contract.bundle import Bundle
from trunnion_contract.errors import BadInput, ExitCode, GatesFailed
from trunnion_contract.files import digest_bytes
from trunnion_contract.usecase import UseCase

LEDGER_HEAD = "approvals_head"


def promote(console: Console, usecase: UseCase, usecase_file: Path, runs: Path) -> ExitCode:
    """Move the alias `champion`, or say what is lacking and leave everything as it is.

    Raises:
        BadInput: there is no candidate, its bundle is not what was registered, the ledger does not verify, or
            candidate and champion were never compared.
        GatesFailed: an approval or a criterion is lacking, or the champion is better.
        Broken: the registry cannot be reached.
    """
    registry = registry_of(runs, usecase.name)
    candidate, champion = registry.get(CANDIDATE), registry.find(CHAMPION)
    # Opening it verifies that it holds a passed proof of just these files.
    bundle = registry.bundle(candidate)
    _check_approvals(registry, usecase, usecase_file, bundle)
    told = check_beats(bundle, registry.bundle(champion)) if champion else "the first"
    registry.crown(candidate)
    before = f", in place of version {champion.number}" if champion else ""
    console.print(
        f"version {candidate.number} of {usecase.name} is champion{before}: {told}",
        highlight=False,
        soft_wrap=True,
    )
    return ExitCode.OK


def _check_approvals(registry: Registry, usecase: UseCase, usecase_file: Path, bundle: Bundle) -> None:
    if usecase.plan is None:
        return
    entries = ledger_of(usecase, usecase_file).read()
    _check_nothing_was_cut_off(registry, entries)
    stages = [evidence_of(name, stage, bundle, entries) for name, stage in usecase.plan.stages()]
    lacking = [f"{of.name}: {what}" for of in stages for what in (*of.missed, *of.lacking)]
    if lacking:
        of_others = {entry.bundle_sha256 for entry in entries} - {bundle.digest}
        note = f" (the ledger has approvals of {len(of_others)} other bundles)" if of_others else ""
        raise GatesFailed(
            where=f"{bundle.path.name} ({bundle.digest[:12]})",
            got="; ".join(lacking) + note,
            wanted="every stage of the plan met and approved, for this very bundle",
            next_step="trunnion approve USECASE --stage STAGE --role ROLE, by those who are asked",
        )
    registry.remember(LEDGER_HEAD, head(entries))


def _check_nothing_was_cut_off(registry: Registry, entries: list[Entry]) -> None:
    """A chain says nothing about lines that were dropped from its end."""
    seen = registry.remembered(LEDGER_HEAD)
    if seen and seen not in {digest_bytes(entry.line()) for entry in entries}:
        raise BadInput(
            where="the ledger of approvals",
            got="fewer lines than at the last promotion",
            wanted="every line that was there",
            next_step="bring the dropped lines back",
        )
