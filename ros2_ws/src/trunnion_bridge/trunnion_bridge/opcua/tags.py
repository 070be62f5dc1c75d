"""What is shown: one table of variables, with their types, units and where their values come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from asyncua import ua

from trunnion_bridge.models import Health, NodeHealth, Order, OrderState, State

Type = ua.VariantType


class Unit(NamedTuple):
    """A unit of UNECE Recommendation 20, which OPC UA names by a number made of the letters of its code."""

    code: str
    symbol: str
    name: str

    @property
    def number(self) -> int:
        """Its UnitId."""
        return int.from_bytes(self.code.encode(), "big")


METRE = Unit("MTR", "m", "metre")
RADIAN = Unit("C81", "rad", "radian")
HERTZ = Unit("HTZ", "Hz", "hertz")
MILLISECOND = Unit("C26", "ms", "millisecond")


class Seen(NamedTuple):
    """The cell at one moment, and the order that changed last, None before any."""

    state: State
    health: Health
    counts: Mapping[OrderState, int]
    changed: Order | None


class Tag(NamedTuple):
    """A variable. Its `path` is its node's string id, and never changes; None as a value is one that is not known."""

    path: str
    kind: ua.VariantType
    value: Callable[[Seen], Any]
    what: str
    unit: Unit | None = None
    is_array: bool = False


def _position(axis: int) -> Callable[[Seen], Any]:
    return lambda seen: _item(seen.state.arm.position_base_m, axis)


def _orientation(axis: int) -> Callable[[Seen], Any]:
    return lambda seen: _item(seen.state.arm.orientation_base_xyzw, axis)


def _item(values: tuple[float, ...] | None, at: int) -> float | None:
    return values[at] if values else None


def _count(state: OrderState) -> Callable[[Seen], Any]:
    return lambda seen: seen.counts[state]


_ARM = (
    Tag("Cell/Arm/Here", Type.Boolean, lambda seen: seen.state.arm.here, "whether the arm is heard of"),
    *(
        Tag(f"Cell/Arm/{axis}", Type.Double, _position(at), f"gripper in the base frame, {axis}", METRE)
        for at, axis in enumerate("XYZ")
    ),
    *(
        Tag(f"Cell/Arm/Q{axis}", Type.Double, _orientation(at), f"its orientation, a quaternion's {axis}")
        for at, axis in enumerate("XYZW")
    ),
    Tag(
        "Cell/Arm/JointNames",
        Type.String,
        lambda seen: list(seen.state.arm.joints_rad),
        "names of the joints",
        is_array=True,
    ),
    Tag(
        "Cell/Arm/JointPositions",
        Type.Double,
        lambda seen: list(seen.state.arm.joints_rad.values()),
        "their angles, in the same order",
        RADIAN,
        is_array=True,
    ),
    Tag(
        "Cell/Arm/GripperOpening",
        Type.Double,
        lambda seen: seen.state.arm.gripper_opening_m,
        "between the fingers",
        METRE,
    ),
    Tag("Cell/Arm/Grasped", Type.Boolean, lambda seen: seen.state.arm.grasped, "whether a part is in hand"),
    Tag("Cell/Arm/Mode", Type.String, lambda seen: seen.state.arm.mode, "hold, move or policy"),
    Tag("Cell/Arm/HoldReason", Type.String, lambda seen: seen.state.arm.hold_reason, "why it holds"),
    Tag(
        "Cell/Arm/Age", Type.UInt32, lambda seen: seen.state.arm.age_ms, "since it was heard of", MILLISECOND
    ),
)
_CAMERA = (
    Tag("Cell/Camera/Here", Type.Boolean, lambda seen: seen.state.camera.here, "whether images come"),
    Tag("Cell/Camera/Rate", Type.Double, lambda seen: seen.state.camera.rate_hz, "of images", HERTZ),
    Tag(
        "Cell/Camera/Age",
        Type.UInt32,
        lambda seen: seen.state.camera.age_ms,
        "of the latest one",
        MILLISECOND,
    ),
)
_HEALTH = (
    Tag("Cell/Live", Type.Boolean, lambda seen: seen.health.live, "whether the bridge works"),
    Tag("Cell/Ready", Type.Boolean, lambda seen: seen.health.ready, "whether an order would start"),
    Tag(
        "Cell/Problems",
        Type.String,
        lambda seen: [f"{check.name}: {check.message}" for check in seen.health.checks if not check.ok],
        "why not",
        is_array=True,
    ),
    Tag("Cell/SorterHere", Type.Boolean, lambda seen: seen.state.sorter_here, "whether orders are taken"),
)
_CATALOGUE = (
    Tag(
        "Cell/Bundle/Name", Type.String, lambda seen: seen.state.bundle.name, "the bundle that the cell runs"
    ),
    Tag("Cell/Bundle/Version", Type.String, lambda seen: seen.state.bundle.version, "its version"),
    Tag("Cell/Bundle/Digest", Type.String, lambda seen: seen.state.bundle.digest, "its SHA-256"),
    Tag("Cell/Bundle/Parts", Type.String, lambda seen: seen.state.bundle.parts, "to order", is_array=True),
    Tag("Cell/Bundle/Bins", Type.String, lambda seen: seen.state.bundle.bins, "to fill", is_array=True),
    Tag(
        "Cell/Bundle/OrderPartsMax",
        Type.UInt32,
        lambda seen: seen.state.bundle.order_parts_max,
        "most parts in one order",
    ),
)
_STATES: Mapping[OrderState, str] = {
    "queued": "Queued",
    "starting": "Starting",
    "running": "Running",
    "succeeded": "Succeeded",
    "failed": "Failed",
    "cancelled": "Cancelled",
}
_COUNTS = tuple(
    Tag(f"Cell/Orders/{name}", Type.UInt32, _count(state), f"orders that are {state}")
    for state, name in _STATES.items()
)


def _order(folder: str, which: Callable[[Seen], Order | None], what: str) -> tuple[Tag, ...]:
    def of(value: Callable[[Order], Any], empty: Any) -> Callable[[Seen], Any]:
        return lambda seen: value(order) if (order := which(seen)) else empty

    def tag(name: str, kind: ua.VariantType, value: Callable[[Order], Any], empty: Any, words: str) -> Tag:
        return Tag(
            f"{folder}/{name}", kind, of(value, empty), f"{what}: {words}", None, isinstance(empty, list)
        )

    return (
        tag("Id", Type.String, lambda order: order.id, "", "its id; empty for none"),
        tag("Number", Type.UInt32, lambda order: order.number, 0, "its number"),
        tag(
            "State", Type.String, lambda order: order.state, "", "queued, starting, running, or how it ended"
        ),
        tag("Bin", Type.String, lambda order: order.bin, "", "where the parts go"),
        tag("Parts", Type.String, lambda order: [line.part for line in order.lines], [], "the parts"),
        tag("Quantities", Type.UInt32, lambda order: [line.quantity for line in order.lines], [], "of each"),
        tag("Requested", Type.UInt32, lambda order: order.requested, 0, "parts asked for"),
        tag("Sorted", Type.UInt32, lambda order: order.sorted, 0, "parts that lie in the bin"),
        tag("Phase", Type.String, lambda order: order.phase, "", "what the sorter does"),
        tag("Message", Type.String, lambda order: order.message, "", "the latest news in words"),
        tag("Event", Type.Int64, lambda order: order.event, 0, "the id of the latest change"),
    )


_ORDERS = (
    *_order("Cell/CurrentOrder", lambda seen: seen.state.order, "the order that runs or waits for the robot"),
    *_order("Cell/Orders/LastChange", lambda seen: seen.changed, "the order that changed last"),
)
TAGS: tuple[Tag, ...] = (*_HEALTH, *_ARM, *_CAMERA, *_CATALOGUE, *_COUNTS, *_ORDERS)


def node_tags(name: str) -> tuple[Tag, ...]:
    """The variables of a ROS node, which comes when it is first heard of."""

    def of(value: Callable[[NodeHealth], Any]) -> Callable[[Seen], Any]:
        return lambda seen: next((value(node) for node in seen.state.nodes if node.name == name), None)

    return (
        Tag(
            f"Cell/Nodes/{name}/State",
            Type.String,
            of(lambda node: node.state),
            "ok, warn, error, silent, awaited",
        ),
        Tag(f"Cell/Nodes/{name}/Message", Type.String, of(lambda node: node.message), "in its own words"),
        Tag(
            f"Cell/Nodes/{name}/Age",
            Type.UInt32,
            of(lambda node: node.age_ms),
            "of its heartbeat",
            MILLISECOND,
        ),
    )
