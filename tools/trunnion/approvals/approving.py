"""`trunnion approve`: a person says yes or no to a bundle, at a stage, in a role."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from trunnion.approvals.evidence import evidence_of
from trunnion.approvals.keys import load_key, make_key
from trunnion.approvals.ledger import Entry, Ledger
from trunnion_contract.bundle import Bundle, open_bundle
from trunnion_contract.errors import BadInput, ExitCode, GatesFailed
from trunnion_contract.plan import PLAN_STAGES, Plan, PlanStageName
from trunnion_contract.usecase import UseCase


@dataclass(frozen=True)
class Approval:
    """What the person said on the command line."""

    stage: str
    role: str
    refused: bool = False
    comment: str = ""


def ledger_of(usecase: UseCase, usecase_file: Path) -> Ledger:
    """The ledger beside the use case, to be kept with it.

    Raises:
        BadInput: the use case has no plan.
    """
    if usecase.plan is None:
        raise BadInput(
            where=f"{usecase_file}: plan",
            got="nothing",
            wanted="the stages poc and mvp, and who may approve them",
            next_step="write the plan; tools/trunnion/registry/README.md has one",
        )
    return Ledger(usecase_file.with_suffix(".approvals.jsonl"), usecase.name, usecase.plan)


def approve(
    console: Console, usecase: UseCase, usecase_file: Path, approval: Approval, bundle_file: Path, key: Path
) -> ExitCode:
    """Add the person's signed verdict to the ledger.

    Raises:
        BadInput: no such stage, a role that the stage does not ask for, an unknown key, another use case's bundle.
        GatesFailed: approving what misses a criterion of the stage.
    """
    ledger, bundle = ledger_of(usecase, usecase_file), open_bundle(bundle_file)
    stage = _stage(ledger.plan, approval, usecase_file)
    if bundle.manifest.name != usecase.name:
        raise BadInput(
            where=str(bundle_file),
            got=f"a bundle of {bundle.manifest.name}",
            wanted=f"a bundle of {usecase.name}",
            next_step="name the bundle that was looked at",
        )
    private = load_key(key)
    person = ledger.person_of(private, approval.role)
    if not approval.refused:
        _check_criteria(ledger, stage, bundle)
    entry = ledger.append(_entry(usecase, stage, approval, person, bundle), private)
    console.print(
        f"{entry.verdict} by {person} as {entry.role}, {stage} of {bundle.path.name} ({bundle.digest[:12]})\n"
        f"ledger  {ledger.path}",
        highlight=False,
        soft_wrap=True,
    )
    return ExitCode.OK


def keygen(console: Console, file: Path) -> ExitCode:
    """Make a key, and say what belongs into the plan."""
    public = make_key(file)
    console.print(f"private  {file}, for nobody but you\npublic   {public}", highlight=False, soft_wrap=True)
    console.print(
        "into the plan of the use case: approvers: {NAME: {key: PUBLIC, roles: [ROLE]}}", markup=False
    )
    return ExitCode.OK


def _stage(plan: Plan, approval: Approval, usecase_file: Path) -> PlanStageName:
    stages = dict(plan.stages())
    for name in PLAN_STAGES:
        if name == approval.stage and name in stages:
            if approval.role in stages[name].approvals:
                return name
            wanted = ", ".join(stages[name].approvals)
            raise _unasked("--role", approval.role, f"one that {name} asks for: {wanted}")
    raise _unasked("--stage", approval.stage, f"one of the plan in {usecase_file}: {', '.join(stages)}")


def _unasked(where: str, got: str, wanted: str) -> BadInput:
    return BadInput(where=where, got=got, wanted=wanted, next_step="name one of those")


def _check_criteria(ledger: Ledger, stage: PlanStageName, bundle: Bundle) -> None:
    evidence = evidence_of(stage, dict(ledger.plan.stages())[stage], bundle, ())
    if evidence.missed:
        raise GatesFailed(
            where=f"{stage} of {bundle.path.name}",
            got="; ".join(evidence.missed),
            wanted="every criterion of the stage met",
            next_step="improve the model, or say no: --refuse",
        )


def _entry(usecase: UseCase, stage: PlanStageName, approval: Approval, person: str, bundle: Bundle) -> Entry:
    return Entry(
        sequence=0,
        previous="",
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        usecase=usecase.name,
        stage=stage,
        role=approval.role,
        person=person,
        verdict="refused" if approval.refused else "approved",
        bundle_sha256=bundle.digest,
        comment=approval.comment,
    )
