"""Versions of a model in MLflow's registry; the name of the model is that of its use case."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trunnion.tracking.sender import deliver
from trunnion.tracking.stage_run import Registration
from trunnion.tracking.store import Store, outbox_of, store_of
from trunnion_contract.bundle import Bundle, open_bundle
from trunnion_contract.errors import BadInput

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

CANDIDATE, CHAMPION = "candidate", "champion"
CACHE = ".registry"
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


@dataclass(frozen=True)
class Version:
    """A version as the registry has it."""

    name: str
    number: str
    digest: str
    run_id: str
    bundle: str


@dataclass(frozen=True)
class Registry:
    """The versions of one use case's model; their bundles are fetched into `cache`, by digest."""

    store: Store
    name: str
    cache: Path

    def find(self, which: str) -> Version | None:
        """A version by its number or alias, or None."""
        client = self.store.client
        from mlflow.exceptions import MlflowException

        try:
            if which.isdigit():
                found = client.get_model_version(self.name, which)
            else:
                found = client.get_model_version_by_alias(self.name, which)
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise
        tags = found.tags
        return Version(self.name, str(found.version), tags[BUNDLE_DIGEST], found.run_id, tags[BUNDLE])

    def get(self, which: str) -> Version:
        """A version by its number or alias.

        Raises:
            BadInput: there is none.
        """
        found = self.find(which)
        if found is None:
            there = self.there()
            raise BadInput(
                where=f"{self.store.uri}: {self.name}",
                got=f"no version '{which}'",
                wanted=f"one of {', '.join(there)}" if there else "a version",
                next_step="name one of those, or pack a candidate: trunnion run USECASE"
                if there
                else "pack one first: trunnion run USECASE",
            )
        return found

    def there(self) -> list[str]:
        """Numbers and aliases of all versions."""
        versions = self.store.client.search_model_versions(f"name = '{self.name}'")
        aliases = [name for name in (CANDIDATE, CHAMPION) if self.find(name)]
        return [*sorted((str(version.version) for version in versions), key=int), *aliases]

    def bundle(self, version: Version) -> Bundle:
        """The bundle of a version, verified.

        Raises:
            BadInput: what the store gives is no bundle, or another than was registered.
        """
        folder = self.cache / version.digest
        file = folder / version.bundle
        if not file.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            self.store.client.download_artifacts(version.run_id, version.bundle, str(folder))
        bundle = open_bundle(file)
        if bundle.digest != version.digest:
            raise BadInput(
                where=str(file),
                got=f"a bundle of digest {bundle.digest[:12]}",
                wanted=f"the registered one, {version.digest[:12]}",
                next_step="see who changed the artifacts of the store; remove this copy to fetch it again",
            )
        return bundle

    def remember(self, key: str, value: str) -> None:
        """Keep a tag of the model as a whole."""
        self.store.client.set_registered_model_tag(self.name, key, value)

    def remembered(self, key: str) -> str | None:
        """A tag of the model as a whole."""
        value: str | None = self.store.client.get_registered_model(self.name).tags.get(key)
        return value

    def crown(self, version: Version) -> None:
        """Make a version the champion; it is no candidate any more."""
        self.store.client.set_registered_model_alias(self.name, CHAMPION, version.number)
        self.store.client.delete_registered_model_alias(self.name, CANDIDATE)


def registry_of(runs: Path, name: str) -> Registry:
    """The registry of a use case, once what waits in the journal was sent.

    Raises:
        Broken: the store cannot be reached.
    """
    store = store_of(runs)
    store.check_reachable()
    deliver(outbox_of(runs), store)
    return Registry(store, name, runs / CACHE)
