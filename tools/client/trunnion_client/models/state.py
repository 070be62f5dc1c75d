from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.active_model import ActiveModel
    from ..models.arm import Arm
    from ..models.battery import Battery
    from ..models.bundle_info import BundleInfo
    from ..models.camera import Camera
    from ..models.detections import Detections
    from ..models.node_health import NodeHealth
    from ..models.order import Order
    from ..models.replica import Replica


T = TypeVar("T", bound="State")


@_attrs_define
class State:
    """The cell at one moment.

    Attributes:
        at (datetime.datetime):
        arm (Arm): The robot as last heard of; `here` is false when nothing was heard for a while.
        camera (Camera): The camera as last heard of.
        detections (Detections | None):
        nodes (list[NodeHealth]):
        sorter_here (bool): whether the sorter takes orders
        order (None | Order): the order that runs, or that waits for the robot
        queued (int): orders that wait, the one above included if it waits
        bundle (BundleInfo): The bundle that the cell runs, and what can be ordered from it.
        bridge (Replica): One of the bridges that share the orders.
        models (list[ActiveModel] | Unset): what nodes run, which need not be `bundle`
        battery (Battery | None | Unset): null while the robot says nothing of one
    """

    at: datetime.datetime
    arm: Arm
    camera: Camera
    detections: Detections | None
    nodes: list[NodeHealth]
    sorter_here: bool
    order: None | Order
    queued: int
    bundle: BundleInfo
    bridge: Replica
    models: list[ActiveModel] | Unset = UNSET
    battery: Battery | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.battery import Battery  # noqa: PLC0415
        from ..models.detections import Detections  # noqa: PLC0415
        from ..models.order import Order  # noqa: PLC0415

        at = self.at.isoformat()

        arm = self.arm.to_dict()

        camera = self.camera.to_dict()

        detections: dict[str, Any] | None
        if isinstance(self.detections, Detections):
            detections = self.detections.to_dict()
        else:
            detections = self.detections

        nodes = []
        for nodes_item_data in self.nodes:
            nodes_item = nodes_item_data.to_dict()
            nodes.append(nodes_item)

        sorter_here = self.sorter_here

        order: dict[str, Any] | None
        if isinstance(self.order, Order):
            order = self.order.to_dict()
        else:
            order = self.order

        queued = self.queued

        bundle = self.bundle.to_dict()

        bridge = self.bridge.to_dict()

        models: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.models, Unset):
            models = []
            for models_item_data in self.models:
                models_item = models_item_data.to_dict()
                models.append(models_item)

        battery: dict[str, Any] | None | Unset
        if isinstance(self.battery, Unset):
            battery = UNSET
        elif isinstance(self.battery, Battery):
            battery = self.battery.to_dict()
        else:
            battery = self.battery

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "at": at,
                "arm": arm,
                "camera": camera,
                "detections": detections,
                "nodes": nodes,
                "sorter_here": sorter_here,
                "order": order,
                "queued": queued,
                "bundle": bundle,
                "bridge": bridge,
            }
        )
        if models is not UNSET:
            field_dict["models"] = models
        if battery is not UNSET:
            field_dict["battery"] = battery

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.active_model import ActiveModel  # noqa: PLC0415
        from ..models.arm import Arm  # noqa: PLC0415
        from ..models.battery import Battery  # noqa: PLC0415
        from ..models.bundle_info import BundleInfo  # noqa: PLC0415
        from ..models.camera import Camera  # noqa: PLC0415
        from ..models.detections import Detections  # noqa: PLC0415
        from ..models.node_health import NodeHealth  # noqa: PLC0415
        from ..models.order import Order  # noqa: PLC0415
        from ..models.replica import Replica  # noqa: PLC0415

        d = dict(src_dict)
        at = datetime.datetime.fromisoformat(d.pop("at"))

        arm = Arm.from_dict(d.pop("arm"))

        camera = Camera.from_dict(d.pop("camera"))

        def _parse_detections(data: object) -> Detections | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                detections_type_0 = Detections.from_dict(data)

                return detections_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Detections | None, data)

        detections = _parse_detections(d.pop("detections"))

        nodes = []
        _nodes = d.pop("nodes")
        for nodes_item_data in _nodes:
            nodes_item = NodeHealth.from_dict(nodes_item_data)

            nodes.append(nodes_item)

        sorter_here = d.pop("sorter_here")

        def _parse_order(data: object) -> None | Order:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                order_type_0 = Order.from_dict(data)

                return order_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Order, data)

        order = _parse_order(d.pop("order"))

        queued = d.pop("queued")

        bundle = BundleInfo.from_dict(d.pop("bundle"))

        bridge = Replica.from_dict(d.pop("bridge"))

        _models = d.pop("models", UNSET)
        models: list[ActiveModel] | Unset = UNSET
        if _models is not UNSET:
            models = []
            for models_item_data in _models:
                models_item = ActiveModel.from_dict(models_item_data)

                models.append(models_item)

        def _parse_battery(data: object) -> Battery | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                battery_type_0 = Battery.from_dict(data)

                return battery_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Battery | None | Unset, data)

        battery = _parse_battery(d.pop("battery", UNSET))

        state = cls(
            at=at,
            arm=arm,
            camera=camera,
            detections=detections,
            nodes=nodes,
            sorter_here=sorter_here,
            order=order,
            queued=queued,
            bundle=bundle,
            bridge=bridge,
            models=models,
            battery=battery,
        )

        return state
