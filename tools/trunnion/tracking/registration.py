"""What the registry is told of a packed bundle."""

from __future__ import annotations

from trunnion.pipeline import Run
from trunnion.registry.versions import BUNDLE_DIGEST
from trunnion.stages import bundle_file
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
    card = bundle.read(CARD).decode()
    return Registration(
        name=bundle.manifest.name,
        bundle=bundle.path.name,
        tags=tags,
        description=card[:_DESCRIPTION_CHARACTERS],
    )
