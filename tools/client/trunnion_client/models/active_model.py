from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.active_model_precision_type_0 import ActiveModelPrecisionType0
from ..types import UNSET, Unset

T = TypeVar("T", bound="ActiveModel")


@_attrs_define
class ActiveModel:
    """What a node says that it runs.

    Attributes:
        node (str):
        name (str):
        version (str):
        digest (str): of the bundle, as much of it as the node tells
        precision (ActiveModelPrecisionType0 | None | Unset):
        runtime (None | str | Unset):
    """

    node: str
    name: str
    version: str
    digest: str
    precision: ActiveModelPrecisionType0 | None | Unset = UNSET
    runtime: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        node = self.node

        name = self.name

        version = self.version

        digest = self.digest

        precision: None | str | Unset
        if isinstance(self.precision, Unset):
            precision = UNSET
        elif isinstance(self.precision, ActiveModelPrecisionType0):
            precision = self.precision.value
        else:
            precision = self.precision

        runtime: None | str | Unset
        if isinstance(self.runtime, Unset):
            runtime = UNSET
        else:
            runtime = self.runtime

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "node": node,
                "name": name,
                "version": version,
                "digest": digest,
            }
        )
        if precision is not UNSET:
            field_dict["precision"] = precision
        if runtime is not UNSET:
            field_dict["runtime"] = runtime

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        node = d.pop("node")

        name = d.pop("name")

        version = d.pop("version")

        digest = d.pop("digest")

        def _parse_precision(data: object) -> ActiveModelPrecisionType0 | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                precision_type_0 = ActiveModelPrecisionType0(data)

                return precision_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ActiveModelPrecisionType0 | None | Unset, data)

        precision = _parse_precision(d.pop("precision", UNSET))

        def _parse_runtime(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        runtime = _parse_runtime(d.pop("runtime", UNSET))

        active_model = cls(
            node=node,
            name=name,
            version=version,
            digest=digest,
            precision=precision,
            runtime=runtime,
        )

        return active_model
