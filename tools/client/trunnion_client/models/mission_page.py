from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.mission import Mission


T = TypeVar("T", bound="MissionPage")


@_attrs_define
class MissionPage:
    """Missions, newest first.

    Attributes:
        missions (list[Mission]):
        next_ (None | str): path of the next page; null on the last one
    """

    missions: list[Mission]
    next_: None | str

    def to_dict(self) -> dict[str, Any]:
        missions = []
        for missions_item_data in self.missions:
            missions_item = missions_item_data.to_dict()
            missions.append(missions_item)

        next_: None | str
        next_ = self.next_

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "missions": missions,
                "next": next_,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.mission import Mission  # noqa: PLC0415

        d = dict(src_dict)
        missions = []
        _missions = d.pop("missions")
        for missions_item_data in _missions:
            missions_item = Mission.from_dict(missions_item_data)

            missions.append(missions_item)

        def _parse_next_(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        next_ = _parse_next_(d.pop("next"))

        mission_page = cls(
            missions=missions,
            next_=next_,
        )

        return mission_page
