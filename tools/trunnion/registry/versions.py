"""Versions of a model in MLflow's registry; the name of the model is that of its use case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trunnion.tracking.stage_run import Registration

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

CANDIDATE, CHAMPION = "candidate", "champion"
BUNDLE, BUNDLE_DIGEST = "bundle", "bundle_sha256"


def register(client: MlflowClient, new: Registration, run: str) -> str:
    """Make the bundle that the run packed a version, and the candidate; the same bundle stays the same version."""
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(new.name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    same = _with_digest(client, new.name, new.tags[BUNDLE_DIGEST])
    version = same or client.create_model_version(
        new.name,
        source=client.get_run(run).info.artifact_uri,
        run_id=run,
        tags={**new.tags, BUNDLE: new.bundle},
        description=new.description,
    )
    client.set_registered_model_alias(new.name, CANDIDATE, version.version)
    return str(version.version)


def _with_digest(client: MlflowClient, name: str, digest: str) -> Any:
    versions = client.search_model_versions(f"name = '{name}'")
    return next((version for version in versions if version.tags.get(BUNDLE_DIGEST) == digest), None)
