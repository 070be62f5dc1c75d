"""A stage of the plan held against a bundle: what its criteria got, and who agreed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trunnion.approvals.ledger import Entry, standing
from trunnion.figures import figures_of
from trunnion_contract.bundle import Bundle
from trunnion_contract.manifest import ModelManifest
from trunnion_contract.plan import Criterion, PlanStage, PlanStageName
from trunnion_contract.proof import Proof


@dataclass(frozen=True)
class Held:
    """A criterion and the figure of the proof, None where there is none."""

    criterion: Criterion
    value: float | None

    @property
    def met(self) -> bool:
        """Whether it is met; what has no metric is for those who approve."""
        return self.criterion.metric is None or self.criterion.met(self.value)

    @property
    def got(self) -> str:
        """What was found, in words."""
        if self.criterion.metric is None:
            return "judged by those who approve"
        return "not measured" if self.value is None else f"{self.value:.4g}"

    @property
    def wanted(self) -> str:
        """The bounds, in words."""
        bounds = (("at least", self.criterion.min), ("at most", self.criterion.max))
        return " and ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None) or "–"


@dataclass(frozen=True)
class Evidence:
    """Everything that decides about a stage."""

    name: PlanStageName
    criteria: tuple[Held, ...]
    approvals: dict[str, Entry | None]

    @property
    def missed(self) -> list[str]:
        """The criteria that are not met, in words."""
        return [
            f"{held.criterion.what}: {held.got} (wanted {held.wanted})"
            for held in self.criteria
            if not held.met
        ]

    @property
    def lacking(self) -> list[str]:
        """The roles that did not approve this bundle, in words."""
        return [
            f"{role} refused" if entry else f"no approval as {role}"
            for role, entry in self.approvals.items()
            if entry is None or entry.verdict == "refused"
        ]

    @property
    def passed(self) -> bool:
        """Whether the stage is behind this bundle."""
        return not self.missed and not self.lacking


def evidence_of(name: PlanStageName, stage: PlanStage, bundle: Bundle, entries: Sequence[Entry]) -> Evidence:
    """What the proof of the bundle and the verified entries of the ledger say about a stage."""
    return evidence_on(name, stage, bundle.proof, bundle.model, standing(entries, name, bundle.digest))


def evidence_on(
    name: PlanStageName, stage: PlanStage, proof: Proof, model: ModelManifest, said: dict[str, Entry]
) -> Evidence:
    """The same for a proof of which there may be no bundle, and the last word of each role."""
    figures = figures_of(proof, model.detector.spec.labels if model.detector else ())
    held = tuple(Held(criterion, figures.get(criterion.metric or "")) for criterion in stage.criteria)
    return Evidence(name, held, {role: said.get(role) for role in stage.approvals})
