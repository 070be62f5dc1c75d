from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..models.inference_model_precision import InferenceModelPrecision

T = TypeVar("T", bound="InferenceModel")


@_attrs_define
class InferenceModel:
    """The network that looked at an image, so that its answer can be had again.

    Attributes:
        name (str):
        version (str):
        digest (str): of the bundle
        precision (InferenceModelPrecision):
        runtime (str):
    """

    name: str
    version: str
    digest: str
    precision: InferenceModelPrecision
    runtime: str

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        version = self.version

        digest = self.digest

        precision = self.precision.value

        runtime = self.runtime

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "name": name,
                "version": version,
                "digest": digest,
                "precision": precision,
                "runtime": runtime,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        name = d.pop("name")

        version = d.pop("version")

        digest = d.pop("digest")

        precision = InferenceModelPrecision(d.pop("precision"))

        runtime = d.pop("runtime")

        inference_model = cls(
            name=name,
            version=version,
            digest=digest,
            precision=precision,
            runtime=runtime,
        )

        return inference_model
