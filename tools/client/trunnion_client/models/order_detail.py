from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.order_detail_state import OrderDetailState
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.order_event import OrderEvent
    from ..models.order_line import OrderLine


T = TypeVar("T", bound="OrderDetail")


@_attrs_define
class OrderDetail:
    """An order with its history, oldest event first.

    Attributes:
        id (str):
        number (int): counts the orders of this bridge, first is 1
        state (OrderDetailState):
        lines (list[OrderLine]):
        bin_ (str):
        requested (int): parts asked for
        sorted_ (int): parts that lie in the bin
        phase (str): what the sorter does now; empty when it does not run
        part (str): the part in hand or sought; empty when there is none
        message (str): the latest news in words; for an order that ended, why it ended so
        event (int): the id of the latest event that is in here
        created_at (datetime.datetime):
        started_at (datetime.datetime | None):
        ended_at (datetime.datetime | None):
        events (list[OrderEvent]):
        cancelling (bool | Unset): whether the sorter is asked to leave it Default: False.
        deadline (datetime.datetime | None | Unset): when it fails if it still waits
        traceparent (str | Unset): the trace of its request (W3C Trace Context); empty: not traced Default: ''.
    """

    id: str
    number: int
    state: OrderDetailState
    lines: list[OrderLine]
    bin_: str
    requested: int
    sorted_: int
    phase: str
    part: str
    message: str
    event: int
    created_at: datetime.datetime
    started_at: datetime.datetime | None
    ended_at: datetime.datetime | None
    events: list[OrderEvent]
    cancelling: bool | Unset = False
    deadline: datetime.datetime | None | Unset = UNSET
    traceparent: str | Unset = ""

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        number = self.number

        state = self.state.value

        lines = []
        for lines_item_data in self.lines:
            lines_item = lines_item_data.to_dict()
            lines.append(lines_item)

        bin_ = self.bin_

        requested = self.requested

        sorted_ = self.sorted_

        phase = self.phase

        part = self.part

        message = self.message

        event = self.event

        created_at = self.created_at.isoformat()

        started_at: None | str
        if isinstance(self.started_at, datetime.datetime):
            started_at = self.started_at.isoformat()
        else:
            started_at = self.started_at

        ended_at: None | str
        if isinstance(self.ended_at, datetime.datetime):
            ended_at = self.ended_at.isoformat()
        else:
            ended_at = self.ended_at

        events = []
        for events_item_data in self.events:
            events_item = events_item_data.to_dict()
            events.append(events_item)

        cancelling = self.cancelling

        deadline: None | str | Unset
        if isinstance(self.deadline, Unset):
            deadline = UNSET
        elif isinstance(self.deadline, datetime.datetime):
            deadline = self.deadline.isoformat()
        else:
            deadline = self.deadline

        traceparent = self.traceparent

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "id": id,
                "number": number,
                "state": state,
                "lines": lines,
                "bin": bin_,
                "requested": requested,
                "sorted": sorted_,
                "phase": phase,
                "part": part,
                "message": message,
                "event": event,
                "created_at": created_at,
                "started_at": started_at,
                "ended_at": ended_at,
                "events": events,
            }
        )
        if cancelling is not UNSET:
            field_dict["cancelling"] = cancelling
        if deadline is not UNSET:
            field_dict["deadline"] = deadline
        if traceparent is not UNSET:
            field_dict["traceparent"] = traceparent

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.order_event import OrderEvent  # noqa: PLC0415
        from ..models.order_line import OrderLine  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        number = d.pop("number")

        state = OrderDetailState(d.pop("state"))

        lines = []
        _lines = d.pop("lines")
        for lines_item_data in _lines:
            lines_item = OrderLine.from_dict(lines_item_data)

            lines.append(lines_item)

        bin_ = d.pop("bin")

        requested = d.pop("requested")

        sorted_ = d.pop("sorted")

        phase = d.pop("phase")

        part = d.pop("part")

        message = d.pop("message")

        event = d.pop("event")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        def _parse_started_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                started_at_type_0 = datetime.datetime.fromisoformat(data)

                return started_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        started_at = _parse_started_at(d.pop("started_at"))

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

        events = []
        _events = d.pop("events")
        for events_item_data in _events:
            events_item = OrderEvent.from_dict(events_item_data)

            events.append(events_item)

        cancelling = d.pop("cancelling", UNSET)

        def _parse_deadline(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                deadline_type_0 = datetime.datetime.fromisoformat(data)

                return deadline_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        deadline = _parse_deadline(d.pop("deadline", UNSET))

        traceparent = d.pop("traceparent", UNSET)

        order_detail = cls(
            id=id,
            number=number,
            state=state,
            lines=lines,
            bin_=bin_,
            requested=requested,
            sorted_=sorted_,
            phase=phase,
            part=part,
            message=message,
            event=event,
            created_at=created_at,
            started_at=started_at,
            ended_at=ended_at,
            events=events,
            cancelling=cancelling,
            deadline=deadline,
            traceparent=traceparent,
        )

        return order_detail
