from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.active_model import ActiveModel
    from ..models.inference_state import InferenceState
    from ..models.installed_model import InstalledModel
    from ..models.unusable_file import UnusableFile


T = TypeVar("T", bound="ModelList")


@_attrs_define
class ModelList:
    """`installed`: newest file first. `active`: by node. `inference`: what `POST /v1/infer` runs.

    Attributes:
        installed (list[InstalledModel]):
        unusable (list[UnusableFile]):
        active (list[ActiveModel]):
        inference (InferenceState): Whether the bridge can detect in images that are sent to it.
    """

    installed: list[InstalledModel]
    unusable: list[UnusableFile]
    active: list[ActiveModel]
    inference: InferenceState

    def to_dict(self) -> dict[str, Any]:
        installed = []
        for installed_item_data in self.installed:
            installed_item = installed_item_data.to_dict()
            installed.append(installed_item)

        unusable = []
        for unusable_item_data in self.unusable:
            unusable_item = unusable_item_data.to_dict()
            unusable.append(unusable_item)

        active = []
        for active_item_data in self.active:
            active_item = active_item_data.to_dict()
            active.append(active_item)

        inference = self.inference.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "installed": installed,
                "unusable": unusable,
                "active": active,
                "inference": inference,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.active_model import ActiveModel  # noqa: PLC0415
        from ..models.inference_state import InferenceState  # noqa: PLC0415
        from ..models.installed_model import InstalledModel  # noqa: PLC0415
        from ..models.unusable_file import UnusableFile  # noqa: PLC0415

        d = dict(src_dict)
        installed = []
        _installed = d.pop("installed")
        for installed_item_data in _installed:
            installed_item = InstalledModel.from_dict(installed_item_data)

            installed.append(installed_item)

        unusable = []
        _unusable = d.pop("unusable")
        for unusable_item_data in _unusable:
            unusable_item = UnusableFile.from_dict(unusable_item_data)

            unusable.append(unusable_item)

        active = []
        _active = d.pop("active")
        for active_item_data in _active:
            active_item = ActiveModel.from_dict(active_item_data)

            active.append(active_item)

        inference = InferenceState.from_dict(d.pop("inference"))

        model_list = cls(
            installed=installed,
            unusable=unusable,
            active=active,
            inference=inference,
        )

        return model_list
