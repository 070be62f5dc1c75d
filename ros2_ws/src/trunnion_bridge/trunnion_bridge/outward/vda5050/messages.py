"""What comes in: orders and instant actions, as far as a cell that stands reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from trunnion_bridge.models import OrderLine, OrderRequest
from trunnion_bridge.outward.vda5050.fault import Rejected
from trunnion_bridge.outward.vda5050.limits import LIST_MAX, TEXT_MAX

SORT = "sort"
CANCEL = "cancelOrder"
STATE_REQUEST = "stateRequest"
CLEAR = "clearInstantActions"
FACTSHEET = "factsheetRequest"
_NUMBER_MAX = 2**32 - 1


def _plain(text: str) -> str:
    """Raises ValueError for what neither a database nor another system's JSON can hold."""
    text.encode()  # a lone surrogate cannot be
    if "\0" in text:
        raise ValueError("has a zero byte")
    return text


Text = Annotated[str, Field(max_length=TEXT_MAX), AfterValidator(_plain)]
Id = Annotated[str, Field(min_length=1, max_length=TEXT_MAX), AfterValidator(_plain)]
Count = Annotated[int, Field(ge=0, le=_NUMBER_MAX)]


class _Read(BaseModel):
    """Fields that are not read are kept, so that a message can be compared with one before it."""

    model_config = ConfigDict(
        frozen=True, extra="allow", allow_inf_nan=False, alias_generator=to_camel, validate_by_alias=True
    )


M = TypeVar("M", bound=_Read)


class Parameter(_Read):
    """One parameter of an action."""

    key: Text
    value: Any


class Action(_Read):
    """Something that is to be done."""

    action_type: Text
    action_id: Id
    action_parameters: Annotated[list[Parameter], Field(max_length=LIST_MAX)] = []

    def parameter(self, key: str) -> Any:
        """A parameter's value; None where there is none."""
        return next((one.value for one in self.action_parameters if one.key == key), None)


class _Place(_Read):
    sequence_id: Count
    released: bool
    actions: Annotated[list[Action], Field(max_length=LIST_MAX)]


class Node(_Place):
    """A place. A cell that stands takes every node for the place where it is."""

    node_id: Text


class Edge(_Place):
    """A way from one place to the next."""

    edge_id: Text


class _Header(_Read):
    header_id: Count
    version: Text


class OrderMessage(_Header):
    """An order, or more of one."""

    order_id: Id
    order_update_id: Count
    nodes: Annotated[list[Node], Field(min_length=1, max_length=LIST_MAX)]
    edges: Annotated[list[Edge], Field(max_length=LIST_MAX)]

    def content(self) -> str:
        """What may not differ when the message comes again."""
        said = self.model_dump(mode="json", by_alias=True, include={"nodes", "edges"})
        return json.dumps(said, sort_keys=True, separators=(",", ":"))

    def places(self) -> list[_Place]:
        """Nodes and edges."""
        return [*self.nodes, *self.edges]

    def actions(self) -> Iterator[Action]:
        """The released ones, in their order."""
        for place in sorted(self.places(), key=lambda place: place.sequence_id):
            if place.released:
                yield from place.actions


class InstantActions(_Header):
    """What is to be done at once."""

    actions: Annotated[list[Action], Field(max_length=LIST_MAX)]


def read_order(payload: bytes) -> OrderMessage:
    """Raises Rejected, `malformed`."""
    return _read(OrderMessage, payload)


def read_instant_actions(payload: bytes) -> InstantActions:
    """Raises Rejected, `malformed`."""
    return _read(InstantActions, payload)


def request_of(actions: list[Action]) -> OrderRequest:
    """The order in the cell's words: `sort` actions with `part`, `quantity` and `bin`, all for one bin.

    Raises:
        Rejected: `order`.
    """
    for action in actions:
        if action.action_type != SORT:
            raise Rejected(
                "order", f"the cell does not know the action {action.action_type!a}", _named(action)
            )
    if len({action.action_id for action in actions}) < len(actions):
        raise Rejected("order", "two actions have the same id", _named(actions[-1]))
    bins = {json.dumps(action.parameter("bin")) for action in actions}
    if len(bins) > 1:
        raise Rejected("order", "one order is for one bin", _named(actions[-1]))
    quantities: dict[Any, Any] = {}
    for action in actions:
        part, quantity = action.parameter("part"), action.parameter("quantity")
        if (
            not isinstance(part, str)
            or type(quantity) not in (int, float)
            or not float(quantity).is_integer()
        ):
            raise Rejected(
                "order", "an action `sort` has a text `part` and a whole `quantity`", _named(action)
            )
        quantities[part] = quantities.get(part, 0) + int(quantity)
    try:
        lines = [OrderLine(part=part, quantity=quantity) for part, quantity in quantities.items()]
        return OrderRequest(lines=lines, bin=actions[0].parameter("bin"), deadline=None)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Rejected("order", f"{where}: {first['msg']}", _named(actions[0])) from None


def _read(kind: type[M], payload: bytes) -> M:
    try:
        return kind.model_validate_json(payload)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the message"
        raise Rejected("malformed", f"{where}: {first['msg']}", _ids_in(payload)) from None


def _ids_in(payload: bytes) -> dict[str, str]:
    """Which order a message that cannot be taken speaks of, where that can be read."""
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    names = ("orderId", "orderUpdateId")
    found = found if isinstance(found, dict) else {}
    return {name: str(found[name])[:256] for name in names if isinstance(found.get(name), str | int)}


def _named(action: Action) -> dict[str, str]:
    return {"actionId": action.action_id}
