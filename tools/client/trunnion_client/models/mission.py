from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.mission_state import MissionState

T = TypeVar("T", bound="Mission")


@_attrs_define
class Mission:
    """An order that was begun. `missing` is what of it does not lie in the bin, for whatever reason.

    Attributes:
        order_id (str):
        number (int): the order's
        robot (str):
        state (MissionState):
        requested (int): parts asked for
        sorted_ (int): parts that lie in the bin
        missing (int):
        message (str):
        waited_s (float): from the posting of the order to its begin
        took_s (float | None): from its begin to its end; null while it runs
        started_at (datetime.datetime):
        ended_at (datetime.datetime | None):
    """

    order_id: str
    number: int
    robot: str
    state: MissionState
    requested: int
    sorted_: int
    missing: int
    message: str
    waited_s: float
    took_s: float | None
    started_at: datetime.datetime
    ended_at: datetime.datetime | None

    def to_dict(self) -> dict[str, Any]:
        order_id = self.order_id

        number = self.number

        robot = self.robot

        state = self.state.value

        requested = self.requested

        sorted_ = self.sorted_

        missing = self.missing

        message = self.message

        waited_s = self.waited_s

        took_s: float | None
        took_s = self.took_s

        started_at = self.started_at.isoformat()

        ended_at: None | str
        if isinstance(self.ended_at, datetime.datetime):
            ended_at = self.ended_at.isoformat()
        else:
            ended_at = self.ended_at

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "order_id": order_id,
                "number": number,
                "robot": robot,
                "state": state,
                "requested": requested,
                "sorted": sorted_,
                "missing": missing,
                "message": message,
                "waited_s": waited_s,
                "took_s": took_s,
                "started_at": started_at,
                "ended_at": ended_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        order_id = d.pop("order_id")

        number = d.pop("number")

        robot = d.pop("robot")

        state = MissionState(d.pop("state"))

        requested = d.pop("requested")

        sorted_ = d.pop("sorted")

        missing = d.pop("missing")

        message = d.pop("message")

        waited_s = d.pop("waited_s")

        def _parse_took_s(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        took_s = _parse_took_s(d.pop("took_s"))

        started_at = datetime.datetime.fromisoformat(d.pop("started_at"))

        def _parse_ended_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                ended_at_type_0 = datetime.datetime.fromisoformat(data)

                return ended_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        ended_at = _parse_ended_at(d.pop("ended_at"))

        mission = cls(
            order_id=order_id,
            number=number,
            robot=robot,
            state=state,
            requested=requested,
            sorted_=sorted_,
            missing=missing,
            message=message,
            waited_s=waited_s,
            took_s=took_s,
            started_at=started_at,
            ended_at=ended_at,
        )

        return mission
