from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.robot_doing import RobotDoing

if TYPE_CHECKING:
    from ..models.arm import Arm
    from ..models.camera import Camera
    from ..models.node_health import NodeHealth


T = TypeVar("T", bound="Robot")


@_attrs_define
class Robot:
    """A robot with its nodes. `ready`: an order posted now would start at once or after those before it.

    Attributes:
        name (str): the ROS namespace of its nodes
        ready (bool):
        doing (RobotDoing): `waiting`: there are orders, and the robot is not ready for them
        message (str): what it does, or what it lacks
        order_id (None | str): the order that runs, or that waits for it
        model (str): name and version of the bundle
        arm (Arm): The robot as last heard of; `here` is false when nothing was heard for a while.
        camera (Camera): The camera as last heard of.
        nodes (list[NodeHealth]):
    """

    name: str
    ready: bool
    doing: RobotDoing
    message: str
    order_id: None | str
    model: str
    arm: Arm
    camera: Camera
    nodes: list[NodeHealth]

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        ready = self.ready

        doing = self.doing.value

        message = self.message

        order_id: None | str
        order_id = self.order_id

        model = self.model

        arm = self.arm.to_dict()

        camera = self.camera.to_dict()

        nodes = []
        for nodes_item_data in self.nodes:
            nodes_item = nodes_item_data.to_dict()
            nodes.append(nodes_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "name": name,
                "ready": ready,
                "doing": doing,
                "message": message,
                "order_id": order_id,
                "model": model,
                "arm": arm,
                "camera": camera,
                "nodes": nodes,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.arm import Arm  # noqa: PLC0415
        from ..models.camera import Camera  # noqa: PLC0415
        from ..models.node_health import NodeHealth  # noqa: PLC0415

        d = dict(src_dict)
        name = d.pop("name")

        ready = d.pop("ready")

        doing = RobotDoing(d.pop("doing"))

        message = d.pop("message")

        def _parse_order_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        order_id = _parse_order_id(d.pop("order_id"))

        model = d.pop("model")

        arm = Arm.from_dict(d.pop("arm"))

        camera = Camera.from_dict(d.pop("camera"))

        nodes = []
        _nodes = d.pop("nodes")
        for nodes_item_data in _nodes:
            nodes_item = NodeHealth.from_dict(nodes_item_data)

            nodes.append(nodes_item)

        robot = cls(
            name=name,
            ready=ready,
            doing=doing,
            message=message,
            order_id=order_id,
            model=model,
            arm=arm,
            camera=camera,
            nodes=nodes,
        )

        return robot
