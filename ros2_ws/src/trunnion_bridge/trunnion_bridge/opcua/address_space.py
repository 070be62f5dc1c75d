"""The nodes of the cell below Objects, and how they are kept up to date. All on the loop of OPC UA."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from typing import Any

from asyncua import Server, ua

from trunnion_bridge.models import Order
from trunnion_bridge.opcua.order_methods import ORDER, PLACE, OrderMethods
from trunnion_bridge.opcua.tags import TAGS, Seen, Tag, Type, Unit, node_tags

NAMESPACE = "urn:trunnion:bridge"
ROOT = "Cell"
EVENT_TYPE = "OrderEventType"
_ROS_NODES_MAX = 64
_UNITS = "http://www.opcfoundation.org/UA/units/un/cefact"
_log = logging.getLogger("trunnion.bridge")


class AddressSpace:
    """Of one server, which is initialised."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._objects: dict[str, Any] = {}
        self._tags: dict[str, Tag] = {}
        self._written: dict[str, Any] = {}
        self._ros_nodes: set[str] = set()

    async def build(self, methods: OrderMethods) -> None:
        """Everything that is there from the beginning."""
        self._index = await self._server.register_namespace(NAMESPACE)
        for tag in TAGS:
            await self._add(tag)
        await self._object(f"{ROOT}/Nodes")
        await self._add_methods(methods)
        await self._add_events()

    async def show(self, seen: Seen) -> None:
        """Write what has changed."""
        for node in seen.state.nodes:
            if node.name not in self._ros_nodes and len(self._ros_nodes) < _ROS_NODES_MAX:
                self._ros_nodes.add(node.name)
                for tag in node_tags(node.name):
                    await self._add(tag)
        for tag in self._tags.values():
            await self._write(tag, _value(tag, seen))

    async def tell(self, order: Order) -> None:
        """Send the event of a change of an order."""
        event = self._event.event
        event.Severity = 500 if order.state == "failed" else 100
        event.OrderId, event.OrderNumber, event.State = order.id, order.number, order.state
        event.Sorted, event.Requested, event.Change = order.sorted, order.requested, order.event
        try:
            await self._event.trigger(message=f"order {order.number}, {order.state}: {order.message}")
        except Exception:  # a filter that a client sent may break on it
            _log.warning("opcua: the event of order %d did not reach everyone", order.number)

    async def _write(self, tag: Tag, value: ua.DataValue) -> None:
        known = (value.Value.Value if value.Value else None, value.StatusCode)
        if self._written.get(tag.path) == known:
            return
        self._written[tag.path] = known
        try:
            await self._server.write_attribute_value(self._id(tag.path), value)
        except Exception:  # a filter that a client sent may break on it
            _log.warning("opcua: a change of %s did not reach everyone", tag.path)

    async def _object(self, path: str) -> Any:
        if path not in self._objects:
            above, _, name = path.rpartition("/")
            parent = await self._object(above) if above else self._server.nodes.objects
            self._objects[path] = await parent.add_object(self._id(path), self._name(name))
        return self._objects[path]

    async def _add(self, tag: Tag) -> None:
        above, _, name = tag.path.rpartition("/")
        parent = await self._object(above)
        empty = ua.Variant([], tag.kind, is_array=True) if tag.is_array else ua.get_default_value(tag.kind)
        kind = ua.NodeId(getattr(ua.ObjectIds, tag.kind.name))
        node = await parent.add_variable(self._id(tag.path), self._name(name), empty, tag.kind, kind)
        await node.write_value_rank(ua.ValueRank.OneDimension if tag.is_array else ua.ValueRank.Scalar)
        await _describe(node, tag.what)
        if tag.unit:
            await self._add_unit(node, tag)
        self._tags[tag.path] = tag
        await self._server.write_attribute_value(node.nodeid, _unknown())

    async def _add_unit(self, node: Any, tag: Tag) -> None:
        unit: Unit = tag.unit or Unit("", "", "")
        information = ua.EUInformation(
            NamespaceUri=_UNITS,
            UnitId=unit.number,
            DisplayName=ua.LocalizedText(unit.symbol),
            Description=ua.LocalizedText(unit.name),
        )
        name = ua.QualifiedName("EngineeringUnits", 0)
        kind = ua.NodeId(ua.ObjectIds.EUInformation)
        await node.add_property(self._id(f"{tag.path}/EngineeringUnits"), name, information, datatype=kind)

    async def _add_methods(self, methods: OrderMethods) -> None:
        order_id = _arguments(ORDER, (Type.String,), ("id of the order",))
        place = _arguments(
            PLACE,
            (Type.String, Type.UInt32, Type.String, Type.String, Type.DateTime),
            (
                "names of parts, see Cell/Bundle/Parts",
                "how many of each",
                "the bin, see Cell/Bundle/Bins",
                "the same key with the same order gives that order again; empty: none. May be left out",
                "when it fails if it still waits; 1601-01-01: never. May be left out",
            ),
        )
        placed = _arguments(
            ("orderId", "number", "state", "isNew"),
            (Type.String, Type.UInt32, Type.String, Type.Boolean),
            ("", "", "", "false for an order that was there"),
        )
        state = _arguments(("state",), (Type.String,), ("running until the sorter has left off",))
        known = _arguments(
            ("state", "sorted", "requested", "message"),
            (Type.String, Type.UInt32, Type.UInt32, Type.String),
            ("", "parts that lie in the bin", "parts asked for", "the latest news, or why it ended so"),
        )
        await self._add_method("PlaceOrder", methods.place, place, placed)
        await self._add_method("CancelOrder", methods.cancel, order_id, state)
        await self._add_method("GetOrder", methods.get, order_id, known)

    async def _add_method(self, name: str, work: Any, takes: list[Any], gives: list[Any]) -> None:
        path = f"{ROOT}/Orders/{name}"
        parent = await self._object(f"{ROOT}/Orders")
        await parent.add_method(self._id(path), self._name(name), work, takes, gives)

    async def _add_events(self) -> None:
        """Sent from Server, where clients look for events, about Cell/Orders."""
        base = self._server.get_node(ua.ObjectIds.BaseEventType)
        kind = await base.add_object_type(self._id(EVENT_TYPE), self._name(EVENT_TYPE))
        for name, type_of_it in (
            ("OrderId", Type.String),
            ("OrderNumber", Type.UInt32),
            ("State", Type.String),
            ("Sorted", Type.UInt32),
            ("Requested", Type.UInt32),
            ("Change", Type.Int64),
        ):
            empty = ua.get_default_value(type_of_it)
            await kind.add_property(self._id(f"{EVENT_TYPE}/{name}"), self._name(name), empty, type_of_it)
        self._event = await self._server.get_event_generator(kind)
        self._event.event.SourceNode = self._id(f"{ROOT}/Orders")
        self._event.event.SourceName = "Orders"

    def _id(self, path: str) -> ua.NodeId:
        return ua.NodeId(path, self._index)

    def _name(self, name: str) -> ua.QualifiedName:
        return ua.QualifiedName(name, self._index)


def _value(tag: Tag, seen: Seen) -> ua.DataValue:
    value = tag.value(seen)
    if value is None:
        return _unknown()
    is_stale = tag.path.startswith("Cell/Arm/") and not tag.path.endswith(("/Here", "/Age"))
    good = not (is_stale and not seen.state.arm.here)
    code = ua.StatusCodes.Good if good else ua.StatusCodes.UncertainLastUsableValue
    return ua.DataValue(
        ua.Variant(value, tag.kind, is_array=tag.is_array), ua.StatusCode(code), datetime.now(timezone.utc)
    )


def _unknown() -> ua.DataValue:
    code = ua.StatusCode(ua.StatusCodes.BadWaitingForInitialData)
    return ua.DataValue(ua.Variant(), code, datetime.now(timezone.utc))


def _arguments(
    names: Sequence[str], kinds: Iterable[ua.VariantType], words: Iterable[str]
) -> list[ua.Argument]:
    made = []
    for name, kind, what in zip(names, kinds, words, strict=True):
        argument = ua.Argument()
        argument.Name, argument.Description = name, ua.LocalizedText(what)
        argument.DataType = ua.NodeId(getattr(ua.ObjectIds, kind.name))
        is_array = name in ("parts", "quantities")
        argument.ValueRank = ua.ValueRank.OneDimension if is_array else ua.ValueRank.Scalar
        argument.ArrayDimensions = [0] if is_array else []
        made.append(argument)
    return made


async def _describe(node: Any, what: str) -> None:
    text = ua.DataValue(ua.Variant(ua.LocalizedText(what)))
    await node.write_attribute(ua.AttributeIds.Description, text)
