"""Models: the bundles that lie beside the one that the cell runs, and what the nodes say that they run."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pydantic import Field

from trunnion_bridge.inference.models import InferenceState
from trunnion_bridge.models import ActiveModel, Model
from trunnion_contract.bundle import Bundle, open_bundle
from trunnion_contract.errors import TrunnionError
from trunnion_contract.manifest import Precision

_SUFFIX = "*.trunnion"
# Each is read and verified once.
SHOWN_MAX = 50
# Where nodes say in their heartbeats what they run.
MODEL_KEYS = frozenset({"model", "version", "digest", "precision", "runtime"})
_log = logging.getLogger("trunnion.bridge")


class GateResult(Model):
    """One condition of the proof, what was found, and the verdict."""

    name: str = Field(examples=["detector mAP50"])
    got: str = Field(examples=["0.995"])
    wanted: str = Field(examples=["at least 0.9"])
    passed: bool


class ProofResult(Model):
    """The verdict of the proof inside the bundle."""

    passed: bool
    simulated: bool = Field(description="whether the whole loop was played, or networks alone were looked at")
    gates: list[GateResult]


class DetectorFacts(Model):
    """What the detector takes and tells apart."""

    labels: list[str] = Field(examples=[["gear", "bolt", "nut"]])
    image_size_px: int = Field(examples=[320])
    confidence_threshold: float = Field(examples=[0.4])
    precisions: list[Precision] = Field(examples=[["fp32", "int8"]])


class PolicyFacts(Model):
    """How the policy acts."""

    rate_hz: float = Field(examples=[20.0])
    action: list[str] = Field(examples=[["velocity_base_mps", "opening_m"]])


class InstalledModel(Model):
    """A bundle, verified to the last byte."""

    digest: str = Field(description="SHA-256 of the whole file; it names the model")
    name: str = Field(examples=["sorting_cell"])
    version: str = Field(examples=["0.1.0"])
    problem: str = Field(description="what it is for", examples=["sort parts"])
    file: str = Field(examples=["sorting_cell-0.1.0.trunnion"])
    size_bytes: int
    configured: bool = Field(description="whether the bridge was started on it")
    active: bool = Field(description="whether a node says that it runs it")
    detector: DetectorFacts | None
    policy: PolicyFacts | None
    proof: ProofResult
    licences: dict[str, str]


class UnusableFile(Model):
    """A file that is called a bundle and is none."""

    file: str
    message: str


class ModelList(Model):
    """`installed`: newest file first. `active`: by node. `inference`: what `POST /v1/infer` runs."""

    installed: list[InstalledModel]
    unusable: list[UnusableFile]
    active: list[ActiveModel]
    inference: InferenceState


class _Stamp(NamedTuple):
    modified_ns: int
    size: int


class Shelf:
    """The folder of the configured bundle; a file is read again only when it has changed. One thread at a time."""

    def __init__(self, configured: Path, configured_digest: str) -> None:
        self._folder = configured.parent
        self._configured_digest = configured_digest
        self._known: dict[str, tuple[_Stamp, InstalledModel | UnusableFile]] = {}

    def look(self, active: list[ActiveModel]) -> tuple[list[InstalledModel], list[UnusableFile]]:
        """The newest SHOWN_MAX files: usable ones, and those that are not. Reads what is new: off the event loop."""
        found = sorted(self._stamps().items(), key=lambda item: item[1], reverse=True)[:SHOWN_MAX]
        known = dict(self._known)
        self._known = {
            name: known[name]
            if name in known and known[name][0] == stamp
            else (stamp, self._read(name, stamp))
            for name, stamp in found
        }
        seen = [said for _, said in self._known.values()]
        digests = [model.digest for model in active if model.digest]
        usable = [
            said.model_copy(update={"active": any(said.digest.startswith(digest) for digest in digests)})
            for said in seen
            if isinstance(said, InstalledModel)
        ]
        return usable, [said for said in seen if isinstance(said, UnusableFile)]

    def _stamps(self) -> dict[str, _Stamp]:
        stamps = {}
        for file in self._folder.glob(_SUFFIX):
            try:
                status = file.stat()
            except OSError:  # gone meanwhile
                continue
            stamps[file.name] = _Stamp(status.st_mtime_ns, status.st_size)
        return stamps

    def _read(self, name: str, stamp: _Stamp) -> InstalledModel | UnusableFile:
        try:
            bundle = open_bundle(self._folder / name)
        except TrunnionError as error:
            _log.warning("models: %s", error)
            return UnusableFile(file=name, message=f"got {error.got}, wanted {error.wanted}")
        return _facts(bundle, stamp.size, bundle.digest == self._configured_digest)


def active_model(node: str, values: Mapping[str, str]) -> ActiveModel | None:
    """What a node's heartbeat says that it runs; None where it says nothing."""
    said = values.get("model", "")
    if not said:
        return None
    # The policy's node says all three in one.
    name, _, rest = said.partition(" ")
    version, _, digest = rest.partition(" ")
    precision = values.get("precision")
    return ActiveModel(
        node=node,
        name=name,
        version=values.get("version", version),
        digest=values.get("digest", digest),
        precision=precision if precision in ("fp32", "fp16", "int8") else None,
        runtime=values.get("runtime"),
    )


def _facts(bundle: Bundle, size: int, is_configured: bool) -> InstalledModel:
    model, proof = bundle.model, bundle.proof
    gates = [
        GateResult(name=gate.name, got=gate.got, wanted=gate.wanted, passed=gate.passed)
        for gate in proof.gates
    ]
    return InstalledModel(
        digest=bundle.digest,
        name=bundle.manifest.name,
        version=bundle.manifest.version,
        problem=model.problem,
        file=bundle.path.name,
        size_bytes=size,
        configured=is_configured,
        active=False,
        detector=DetectorFacts(
            labels=list(model.detector.spec.labels),
            image_size_px=model.detector.spec.image_size_px,
            confidence_threshold=model.detector.spec.confidence_threshold,
            precisions=list(model.detector.networks),
        )
        if model.detector
        else None,
        policy=PolicyFacts(
            rate_hz=model.policy.spec.rate_hz, action=[entry.name for entry in model.policy.spec.action]
        )
        if model.policy
        else None,
        proof=ProofResult(passed=proof.passed, simulated=proof.simulated, gates=gates),
        licences=dict(model.licences),
    )
