"""The detector's parameters: those that configure reads, and those that may be set while it detects."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

from trunnion_contract.errors import BadInput
from trunnion_edge.detector import BATCH_MAX
from trunnion_edge.model_source import SourcedDetector
from trunnion_edge.precision import CHOICES, PrecisionChoice
from trunnion_edge.selection import DETECTIONS_MAX, Selection
from trunnion_inference.parameters import number, text, whole

THRESHOLD, NMS, MAX_DETECTIONS = "confidence_threshold", "nms_threshold", "max_detections"
CLASS_FILTER = "class_filter"
_PLAIN = (THRESHOLD, NMS, MAX_DETECTIONS)
TRANSPORTS = ("raw", "compressed")
_NAMESPACE = re.compile(r"/?[A-Za-z_]\w*(/[A-Za-z_]\w*)*")
# An empty list has no type in ROS, so none is written as one empty text.
_NONE = [""]


class LiveSelection:
    """What is passed on, by parameters that may be set at any time: checked together and taken together.

    Attributes:
        chosen: the choice as it is now; replaced as a whole, so that any thread may read it.
        labels: the classes that a filter may name; any while there are none.
    """

    def __init__(self, node: Node, on_change: Callable[[], None]) -> None:
        self._node = node
        self._on_change = on_change
        self._is_showing = False
        self.labels: tuple[str, ...] = ()
        self.chosen = Selection()
        self._declare()
        node.add_on_set_parameters_callback(self._on_set)

    def show_threshold(self, of_model: float) -> None:
        """Let the parameter show the model's threshold, unless somebody has set one."""
        if self.chosen.confidence_threshold is None:
            self._is_showing = True
            self._node.set_parameters([Parameter(THRESHOLD, value=of_model)])
            self._is_showing = False

    def _declare(self) -> None:
        node = self._node
        # Without a value of its own, the threshold is the bundle's.
        threshold = number("Least score of a detection; may be set at any time", 0.0, 1.0)
        node.declare_parameter(THRESHOLD, Parameter.Type.DOUBLE, threshold)
        overlap = number(
            "Greatest overlap of two detections of a class, where the network leaves it open; may be set at any time",
            0.0,
            1.0,
        )
        node.declare_parameter(NMS, Parameter.Type.DOUBLE, overlap)
        most = whole("The surest so many are published; may be set at any time", 1, 1000)
        node.declare_parameter(MAX_DETECTIONS, DETECTIONS_MAX, most)
        names = text("Names of the classes to publish, [''] for all; may be set at any time")
        node.declare_parameter(CLASS_FILTER, _NONE, names)
        given = [node.get_parameter_or(name, None) for name in (*_PLAIN, CLASS_FILTER)]
        self.chosen = self._with(
            [parameter for parameter in given if parameter and parameter.value is not None]
        )

    def _with(self, parameters: list[Parameter]) -> Selection:
        """The choice with what these parameters say."""
        values = {parameter.name: parameter.value for parameter in parameters}
        fields: dict[str, Any] = {name: values[name] for name in _PLAIN if values.get(name) is not None}
        if CLASS_FILTER in values:
            fields["classes"] = frozenset(filter(None, values[CLASS_FILTER] or ()))
        return replace(self.chosen, **fields)

    def _on_set(self, parameters: list[Parameter]) -> SetParametersResult:
        if self._is_showing:
            return SetParametersResult(successful=True)
        chosen = self._with(parameters)
        try:
            chosen.check(self.labels or tuple(chosen.classes))
        except BadInput as error:
            return SetParametersResult(successful=False, reason=str(error))
        changed, self.chosen = chosen != self.chosen, chosen
        if changed:
            self._on_change()
        return SetParametersResult(successful=True)


def declare_cameras(node: Node) -> None:
    """Declare which cameras there are and how their pictures come."""
    cameras = text("Namespaces of the cameras, [''] for the one topic image_raw; read by configure")
    node.declare_parameter("cameras", _NONE, cameras)
    transport = text(f"How images come ({', '.join(TRANSPORTS)}); read by configure")
    node.declare_parameter("image_transport", TRANSPORTS[0], transport)
    queue = whole("So many frames of each camera may wait; the oldest gives way; read by configure", 1, 100)
    node.declare_parameter("queue_frames", 1, queue)
    batch = whole(
        "Waiting frames that go through the network at once, if it takes several; 0 for as many as it takes on a "
        "GPU and 1 on a CPU, which gains nothing by it; read by configure",
        0,
        BATCH_MAX,
    )
    node.declare_parameter("batch_max", 0, batch)


def declare_precision(node: Node) -> None:
    """Declare which of a bundle's networks runs."""
    said = f"Precision of the network ({', '.join(CHOICES)}); read by configure and load_bundle"
    node.declare_parameter("precision", CHOICES[0], text(said))


def precision_of(node: Node) -> PrecisionChoice:
    """Which of a bundle's networks runs.

    Raises:
        BadInput: it is no precision.
    """
    name = node.get_parameter("precision").value
    if name not in CHOICES:
        raise _refused(node, "precision", f"'{name}'", f"one of {', '.join(CHOICES)}")
    return name


def cameras_of(node: Node) -> tuple[str, ...]:
    """The cameras' namespaces; one that is empty stands for relative topics.

    Raises:
        BadInput: a name that is no namespace, or the same one twice.
    """
    names = tuple(node.get_parameter("cameras").value or _NONE)
    wrong = [
        name for name in names if names.count(name) > 1 or not (_NAMESPACE.fullmatch(name) or names == ("",))
    ]
    if wrong:
        raise _refused(node, "cameras", repr(wrong[0]), "namespaces that differ, for example [front, rear]")
    return names


def batch_of(node: Node, asked: int, model: SourcedDetector) -> int:
    """How many waiting frames go through this model's network at once, where `asked` is the parameter batch_max.

    Raises:
        BadInput: more than it takes.
    """
    takes = model.detector.batch_max
    if asked > takes:
        raise _refused(node, "batch_max", str(asked), f"at most {takes}, which is what this network takes")
    return asked or (1 if model.source.device == "cpu" else takes)


def transport_of(node: Node) -> str:
    """How images come, one of TRANSPORTS.

    Raises:
        BadInput: it is none of them.
    """
    name = str(node.get_parameter("image_transport").value)
    if name not in TRANSPORTS:
        raise _refused(node, "image_transport", f"'{name}'", f"one of {', '.join(TRANSPORTS)}")
    return name


def _refused(node: Node, parameter: str, got: str, wanted: str) -> BadInput:
    return BadInput(
        where=f"parameter '{parameter}' of {node.get_name()}",
        got=got,
        wanted=wanted,
        next_step="correct it and configure the node again",
    )
