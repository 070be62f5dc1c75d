from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.detector_facts import DetectorFacts
    from ..models.installed_model_licences import InstalledModelLicences
    from ..models.policy_facts import PolicyFacts
    from ..models.proof_result import ProofResult


T = TypeVar("T", bound="InstalledModel")


@_attrs_define
class InstalledModel:
    """A bundle, verified to the last byte.

    Attributes:
        digest (str): SHA-256 of the whole file; it names the model
        name (str):
        version (str):
        problem (str): what it is for
        file (str):
        size_bytes (int):
        configured (bool): whether the bridge was started on it
        active (bool): whether a node says that it runs it
        detector (DetectorFacts | None):
        policy (None | PolicyFacts):
        proof (ProofResult): The verdict of the proof inside the bundle.
        licences (InstalledModelLicences):
    """

    digest: str
    name: str
    version: str
    problem: str
    file: str
    size_bytes: int
    configured: bool
    active: bool
    detector: DetectorFacts | None
    policy: None | PolicyFacts
    proof: ProofResult
    licences: InstalledModelLicences

    def to_dict(self) -> dict[str, Any]:
        from ..models.detector_facts import DetectorFacts  # noqa: PLC0415
        from ..models.policy_facts import PolicyFacts  # noqa: PLC0415

        digest = self.digest

        name = self.name

        version = self.version

        problem = self.problem

        file = self.file

        size_bytes = self.size_bytes

        configured = self.configured

        active = self.active

        detector: dict[str, Any] | None
        if isinstance(self.detector, DetectorFacts):
            detector = self.detector.to_dict()
        else:
            detector = self.detector

        policy: dict[str, Any] | None
        if isinstance(self.policy, PolicyFacts):
            policy = self.policy.to_dict()
        else:
            policy = self.policy

        proof = self.proof.to_dict()

        licences = self.licences.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "digest": digest,
                "name": name,
                "version": version,
                "problem": problem,
                "file": file,
                "size_bytes": size_bytes,
                "configured": configured,
                "active": active,
                "detector": detector,
                "policy": policy,
                "proof": proof,
                "licences": licences,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.detector_facts import DetectorFacts  # noqa: PLC0415
        from ..models.installed_model_licences import InstalledModelLicences  # noqa: PLC0415
        from ..models.policy_facts import PolicyFacts  # noqa: PLC0415
        from ..models.proof_result import ProofResult  # noqa: PLC0415

        d = dict(src_dict)
        digest = d.pop("digest")

        name = d.pop("name")

        version = d.pop("version")

        problem = d.pop("problem")

        file = d.pop("file")

        size_bytes = d.pop("size_bytes")

        configured = d.pop("configured")

        active = d.pop("active")

        def _parse_detector(data: object) -> DetectorFacts | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                detector_type_0 = DetectorFacts.from_dict(data)

                return detector_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(DetectorFacts | None, data)

        detector = _parse_detector(d.pop("detector"))

        def _parse_policy(data: object) -> None | PolicyFacts:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                policy_type_0 = PolicyFacts.from_dict(data)

                return policy_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | PolicyFacts, data)

        policy = _parse_policy(d.pop("policy"))

        proof = ProofResult.from_dict(d.pop("proof"))

        licences = InstalledModelLicences.from_dict(d.pop("licences"))

        installed_model = cls(
            digest=digest,
            name=name,
            version=version,
            problem=problem,
            file=file,
            size_bytes=size_bytes,
            configured=configured,
            active=active,
            detector=detector,
            policy=policy,
            proof=proof,
            licences=licences,
        )

        return installed_model
