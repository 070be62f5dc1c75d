"""What the registry is told of a packed bundle."""

from __future__ import annotations

from trunnion.pipeline import Run
from trunnion.record import read_record
from trunnion.registry.versions import BUNDLE_DIGEST
from trunnion.stages import STAGES, bundle_file
from trunnion.tracking.stage_run import Registration
from trunnion_contract.bundle import CARD, open_bundle

# MLflow's own limit.
_DESCRIPTION_CHARACTERS = 5000


def registration_of(run: Run) -> Registration:
    """The bundle that `pack` made, with what is to be seen of it in the registry's list."""
    bundle = open_bundle(bundle_file(run))
    proof = bundle.proof
    tags = {
        BUNDLE_DIGEST: bundle.digest,
        "version": bundle.manifest.version,
        "model_digest": proof.model_digest,
        "usecase_digest": proof.usecase_digest,
        "dataset_digest": proof.dataset_digest or "none",
        "proof": "passed" if proof.passed else "failed",
    }
    card, cost = bundle.read(CARD).decode(), _cost(run)
    return Registration(
        name=bundle.manifest.name,
        bundle=bundle.path.name,
        tags=tags,
        description=card[: _DESCRIPTION_CHARACTERS - len(cost)] + cost,
    )


def _cost(run: Run) -> str:
    """A line for each stage that was done on the way to this bundle."""
    records = {stage.name: read_record(run.record(stage.name)) for stage in STAGES}
    lines = [
        f"- {name}: {kept.seconds:.0f} s"
        + (f", {kept.energy_j / 3600:.3g} Wh" if kept.energy_j is not None else "")
        for name, kept in records.items()
        if kept
    ]
    return "\n\n## What it cost\n\n" + "\n".join(lines) + "\n"
