"""What a stage report shows, gathered from a run, its proof, its bundle where one was packed, and the ledger."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from trunnion.approvals.approving import ledger_of
from trunnion.approvals.evidence import Evidence, evidence_on
from trunnion.approvals.ledger import standing
from trunnion.figures import recall_by_class, success_rows
from trunnion.pipeline import Run
from trunnion.record import read_record
from trunnion.stages import STAGES, bundle_file
from trunnion.verdict import read_proof
from trunnion_contract.bundle import MODEL, PROOF, Bundle, open_bundle
from trunnion_contract.dataset import Dataset
from trunnion_contract.errors import BadInput
from trunnion_contract.manifest import ModelManifest
from trunnion_contract.plan import PlanStageName
from trunnion_contract.proof import Proof, Rate, ScenarioResult
from trunnion_contract.strict import read_json
from trunnion_contract.usecase import UseCase

NAMES: dict[PlanStageName, str] = {"poc": "Proof of concept", "mvp": "First product (MVP)"}


@dataclass(frozen=True)
class Facts:
    """Everything on the page.

    Attributes:
        digest: of the packed bundle, None where the proof failed or nothing was packed yet.
        seconds: by stage, of its last attempt.
        energy_j: of those stages, as far as the machine that did them has counters.
    """

    usecase: UseCase
    title: str
    evidence: Evidence
    proof: Proof
    model: ModelManifest
    dataset: Dataset | None
    digest: str | None
    seconds: dict[str, float]
    energy_j: dict[str, float]

    @property
    def passed(self) -> bool:
        """Whether the stage is passed: proven, every criterion met, every role in favour."""
        return self.proof.passed and self.digest is not None and self.evidence.passed

    @property
    def lacking(self) -> list[str]:
        """Everything that stands between this and a passed stage."""
        gates = [
            f"gate {gate.name}: {gate.got} (wanted {gate.wanted})"
            for gate in self.proof.gates
            if not gate.passed
        ]
        packed = [] if self.digest else ["no bundle was packed of this proof"]
        return [*gates, *packed, *self.evidence.missed, *self.evidence.lacking]

    @property
    def recalls(self) -> dict[str, Rate]:
        """Recall of each class at the threshold that ships."""
        detector = self.proof.detector
        labels = self.model.detector.spec.labels if self.model.detector else ()
        return recall_by_class(detector, labels) if detector else {}

    @property
    def rows(self) -> dict[str, ScenarioResult]:
        """Everything that has a success rate."""
        return success_rows(self.proof)

    @property
    def reasons(self) -> list[tuple[str, str, int, list[int]]]:
        """Row, reason, how often, and the first seeds, of what failed."""
        return [
            (name, reason, count, [failure.seed for failure in row.failures if failure.reason == reason][:5])
            for name, row in self.rows.items()
            for reason, count in Counter(failure.reason for failure in row.failures).most_common()
        ]


def facts_of(usecase: UseCase, usecase_file: Path, run: Run, stage: str) -> Facts:
    """Gather them.

    Raises:
        BadInput: there is no plan, no such stage in it, no proof yet, or the ledger does not verify.
    """
    ledger = ledger_of(usecase, usecase_file)
    name = _stage(stage, dict(ledger.plan.stages()))
    if not (run.stage("prove") / PROOF).is_file():
        raise BadInput(
            where=str(run.stage("prove") / PROOF),
            got="no proof",
            wanted="a use case that was proven",
            next_step=f"trunnion run {usecase_file}",
        )
    proof, model = read_proof(run), read_json(ModelManifest, run.stage("export") / MODEL)
    bundle = _bundle(run, proof)
    asked, digest = dict(ledger.plan.stages())[name], bundle.digest if bundle else None
    record = run.stage("data") / "dataset.json"
    records = {of.name: read_record(run.record(of.name)) for of in STAGES}
    return Facts(
        usecase=usecase,
        title=NAMES[name],
        evidence=evidence_on(name, asked, proof, model, standing(ledger.read(), name, digest or "")),
        proof=proof,
        model=model,
        dataset=read_json(Dataset, record) if record.is_file() else None,
        digest=digest,
        seconds={of: kept.seconds for of, kept in records.items() if kept},
        energy_j={of: kept.energy_j for of, kept in records.items() if kept and kept.energy_j is not None},
    )


def _stage(asked: str, stages: dict[PlanStageName, object]) -> PlanStageName:
    for name in stages:
        if name == asked:
            return name
    raise BadInput(
        where="--stage",
        got=asked,
        wanted=f"one of the plan: {', '.join(stages)}",
        next_step="name one of those, or add it to the plan",
    )


def _bundle(run: Run, proof: Proof) -> Bundle | None:
    """The bundle of just this proof, where there is one."""
    file = bundle_file(run)
    bundle = open_bundle(file) if file.is_file() else None
    return bundle if bundle and bundle.proof == proof else None
