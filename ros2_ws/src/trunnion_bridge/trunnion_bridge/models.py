"""What the API takes and gives. Units and frames are in the names; times are UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from trunnion_contract.cell import CellLayout

OrderState = Literal["queued", "starting", "running", "succeeded", "failed", "cancelled"]
Name = Annotated[str, Field(min_length=1, max_length=64)]
IdempotencyKey = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")]


def _written_out(given: Any) -> Any:
    """pydantic would take a number, also in a string, for seconds or milliseconds since 1970."""
    if isinstance(given, datetime) or (isinstance(given, str) and "T" in given.upper()):
        return given
    raise ValueError("a date and time as in 2030-01-31T12:00:00Z")


# A point in time that a caller names, with its offset from UTC.
Moment = Annotated[AwareDatetime, BeforeValidator(_written_out)]


class Model(BaseModel):
    """Frozen once built; unknown keys are refused, so that a misspelt one is never silently ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class OrderLine(Model):
    """So many of one part."""

    part: Name = Field(examples=["gear"], description="one of `bundle.parts` in /v1/state")
    quantity: int = Field(ge=1, strict=True, examples=[2])


class OrderRequest(Model):
    """What is to be brought into which bin."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"lines": [{"part": "gear", "quantity": 2}, {"part": "bolt", "quantity": 1}], "bin": "B"}
            ]
        }
    )
    lines: list[OrderLine] = Field(min_length=1, max_length=64)
    bin: Name = Field(description="one of `bundle.bins` in /v1/state")
    deadline: Moment | None = Field(
        None, description="an order that still waits then fails; with its offset from UTC"
    )


class OrderEvent(Model):
    """Something that happened to an order."""

    id: int = Field(description="grows with each event, over all orders")
    at: datetime
    state: OrderState = Field(examples=["running"])
    sorted: int = Field(examples=[1])
    message: str = Field(examples=["picking a gear"])


class Order(Model):
    """An order and how far it is."""

    id: str = Field(examples=["9f6d8a52-4c1e-4b7a-9a53-0d3f5f2c7b11"])
    number: int = Field(description="counts the orders of this bridge, first is 1", examples=[4711])
    state: OrderState = Field(examples=["running"])
    lines: list[OrderLine]
    bin: str = Field(examples=["B"])
    requested: int = Field(description="parts asked for", examples=[3])
    sorted: int = Field(description="parts that lie in the bin", examples=[1])
    phase: str = Field(description="what the sorter does now; empty when it does not run", examples=["pick"])
    part: str = Field(description="the part in hand or sought; empty when there is none", examples=["gear"])
    message: str = Field(
        description="the latest news in words; for an order that ended, why it ended so",
        examples=["picking a gear"],
    )
    event: int = Field(description="the id of the latest event that is in here", examples=[90210])
    cancelling: bool = Field(False, description="whether the sorter is asked to leave it")
    deadline: datetime | None = Field(None, description="when it fails if it still waits")
    traceparent: str = Field(
        "", description="the trace of its request (W3C Trace Context); empty: not traced"
    )
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class OrderDetail(Order):
    """An order with its history, oldest event first."""

    events: list[OrderEvent]


class OrderPage(Model):
    """Orders, newest first."""

    orders: list[Order]
    next: str | None = Field(
        description="path of the next page; null on the last one", examples=["/v1/orders?limit=1&before=4711"]
    )


class Arm(Model):
    """The robot as last heard of; `here` is false when nothing was heard for a while."""

    here: bool = Field(examples=[True])
    position_base_m: tuple[float, float, float] | None = Field(examples=[(0.49, 0.02, 0.12)])
    orientation_base_xyzw: tuple[float, float, float, float] | None = Field(examples=[(1.0, 0.0, 0.0, 0.0)])
    joints_rad: dict[str, float] = Field(examples=[{"panda_joint1": 0.1, "panda_joint2": 0.2}])
    gripper_opening_m: float | None = Field(examples=[0.06])
    grasped: bool | None = Field(examples=[False])
    mode: Literal["hold", "move", "policy"] | None = Field(examples=["policy"])
    hold_reason: str = Field(examples=[""])
    age_ms: int | None = Field(examples=[12])


class Battery(Model):
    """What the robot says of its battery."""

    charge_percent: float = Field(ge=0, le=100, examples=[80.0])
    charging: bool = Field(examples=[False])


class Camera(Model):
    """The camera as last heard of."""

    here: bool = Field(examples=[True])
    rate_hz: float = Field(examples=[30.0])
    age_ms: int | None = Field(examples=[21])


class Detection(Model):
    """One part that the detector sees; the box is x1 y1 x2 y2 in pixels of the camera image."""

    label: str = Field(examples=["gear"])
    score: float = Field(examples=[0.97])
    box_px: tuple[float, float, float, float] = Field(examples=[(102.0, 68.0, 134.0, 100.0)])


class Detections(Model):
    """What the detector sees in the image taken at `stamp_ns`."""

    stamp_ns: int = Field(examples=[1796032125564000000])
    age_ms: int = Field(examples=[38])
    frame: str = Field(description="the camera's frame in ROS")
    items: list[Detection]


class NodeHealth(Model):
    """A ROS node by its heartbeat. `awaited`: never heard of. `silent`: heard of before, not any more."""

    name: str = Field(examples=["detector"])
    state: Literal["ok", "warn", "error", "silent", "awaited"]
    message: str = Field(examples=["works"])
    age_ms: int | None = Field(examples=[120])


class ActiveModel(Model):
    """What a node says that it runs."""

    node: str = Field(examples=["detector"])
    name: str = Field(examples=["sorting_cell"])
    version: str = Field(examples=["0.1.0"])
    digest: str = Field(description="of the bundle, as much of it as the node tells")
    precision: Literal["fp32", "fp16", "int8"] | None = None
    runtime: str | None = Field(None, examples=["onnxruntime 1.31.1 on cpu"])


class BundleInfo(Model):
    """The bundle that the cell runs, and what can be ordered from it."""

    name: str = Field(examples=["sorting_cell"])
    version: str = Field(examples=["0.1.0"])
    digest: str
    parts: list[str] = Field(examples=[["gear", "bolt", "nut"]])
    bins: list[str] = Field(examples=[["A", "B"]])
    order_parts_max: int = Field(description="most parts in one order, over all its lines")
    layout: CellLayout = Field(description="where camera, tray and bins are, in the robot's base frame")


class Leader(Model):
    """The bridge that talks to the robot."""

    name: str
    url: str | None = Field(description="where its callers reach it, when it was told with --advertise-url")
    since: datetime | None


class Replica(Model):
    """One of the bridges that share the orders."""

    name: str
    leads: bool = Field(description="whether it talks to the robot; the others show what the leader sees")
    leader: Leader | None = Field(description="null while nobody is known to lead")
    age_ms: int | None = Field(description="age of what the leader sees; null when it says nothing")


class State(Model):
    """The cell at one moment."""

    at: datetime
    arm: Arm
    camera: Camera
    detections: Detections | None
    nodes: list[NodeHealth]
    models: list[ActiveModel] = Field([], description="what nodes run, which need not be `bundle`")
    battery: Battery | None = Field(None, description="null while the robot says nothing of one")
    sorter_here: bool = Field(description="whether the sorter takes orders")
    order: Order | None = Field(description="the order that runs, or that waits for the robot")
    queued: int = Field(description="orders that wait, the one above included if it waits")
    bundle: BundleInfo
    bridge: Replica = Field(description="the bridge that answers")


class Check(Model):
    """One condition of being ready."""

    name: str = Field(examples=["sorter"])
    ok: bool = Field(examples=[True])
    message: str = Field(examples=["takes orders"])


class Health(Model):
    """`live`: the bridge works. `ready`: an order posted now would start at once or after those before it."""

    live: bool = Field(examples=[True])
    ready: bool = Field(examples=[True])
    checks: list[Check]


class Session(Model):
    """Who the caller is until when; `token` goes behind `Authorization: Bearer`."""

    token: str = Field(examples=["eyJhbGciOi…"])
    name: str = Field(examples=["ada"])
    role: Literal["viewer", "operator", "integrator", "admin"] | None
    expires_at: datetime


class Problem(BaseModel):
    """An error (RFC 9457) that says where, what was got, what was wanted, and what to do next."""

    type: str = Field(examples=["urn:trunnion:problem:unknown-part"])
    title: str = Field(examples=["This cell does not know that part"])
    status: int = Field(examples=[422])
    detail: str
    instance: str = Field(examples=["/v1/orders"])
    where: str = Field(examples=["lines.0.part"])
    got: str = Field(examples=["'cog'"])
    wanted: str = Field(examples=["one of gear, bolt, nut"])
    next: str = Field(examples=["order parts that this cell knows"])
