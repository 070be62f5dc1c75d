"""Parameters that may be set while the detector detects: taken together, or refused with a reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from rcl_interfaces.srv import GetParameters
from tests.ros.detector_process import Camera, change, detector_entry, set_parameters, state
from vision_msgs.msg import LabelInfo

from trunnion_bringup.processes import Cell
from trunnion_inference.qos import LATCHED

BRIGHTNESS = 153


@pytest.fixture(scope="module")
def camera(graph: Any, start_cell: Callable[..., Cell], bundle_file: Path) -> Camera:
    start_cell(detector_entry(bundle_file))
    camera = Camera(graph)
    graph.until(lambda: graph.node.count_publishers("detections"), "detector")
    camera.look(0)
    return camera


def values_of(graph: Any, *names: str) -> list[Any]:
    request = GetParameters.Request(names=list(names))
    return list(graph.call(GetParameters, "detector/get_parameters", request).values)


def test_the_threshold_is_the_bundles_until_it_is_set_and_counts_from_the_next_frame(
    graph: Any, camera: Camera
) -> None:
    (value,) = values_of(graph, "confidence_threshold")
    assert value.double_value == pytest.approx(0.4)
    try:
        assert set_parameters(graph, confidence_threshold=0.7).successful
        assert list(camera.look(BRIGHTNESS).detections) == []
    finally:
        assert set_parameters(graph, confidence_threshold=0.4).successful
    assert len(camera.look(BRIGHTNESS).detections) == 1


def test_a_threshold_out_of_range_is_refused_and_says_so(graph: Any, camera: Camera) -> None:
    result = set_parameters(graph, confidence_threshold=1.5)
    assert not result.successful
    assert "range" in result.reason
    assert len(camera.look(BRIGHTNESS).detections) == 1


def test_a_class_filter_lets_only_its_classes_through(graph: Any, camera: Camera) -> None:
    try:
        assert set_parameters(graph, class_filter=["bolt", "nut"]).successful
        assert list(camera.look(BRIGHTNESS).detections) == []
        assert set_parameters(graph, class_filter=["gear", "nut"]).successful
        assert len(camera.look(BRIGHTNESS).detections) == 1
    finally:
        assert set_parameters(graph, class_filter=[""]).successful
    assert len(camera.look(BRIGHTNESS).detections) == 1


def test_of_parameters_that_are_set_together_one_that_is_wrong_keeps_all_as_they_were(
    graph: Any, camera: Camera
) -> None:
    result = set_parameters(graph, confidence_threshold=0.9, class_filter=["gear", "cog"])
    assert not result.successful
    assert "got 'cog', wanted some of gear, bolt, nut" in result.reason
    threshold, names = values_of(graph, "confidence_threshold", "class_filter")
    assert (threshold.double_value, list(names.string_array_value)) == (pytest.approx(0.4), [""])
    assert len(camera.look(BRIGHTNESS).detections) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_detections", 0), ("confidence_threshold", -0.1), ("nms_threshold", 1.5)],
)
def test_what_is_out_of_range_is_refused_and_the_old_value_stays(
    graph: Any, camera: Camera, name: str, value: float
) -> None:
    before = values_of(graph, name)
    result = set_parameters(graph, **{name: value})
    assert not result.successful
    assert name in result.reason
    assert values_of(graph, name) == before
    assert len(camera.look(BRIGHTNESS).detections) == 1


def test_a_new_threshold_is_told_to_who_reads_label_info(graph: Any, camera: Camera) -> None:
    labels = graph.hear(LabelInfo, "label_info", LATCHED)
    try:
        assert set_parameters(graph, confidence_threshold=0.55).successful
        graph.until(lambda: labels and labels[-1].threshold == pytest.approx(0.55), "new label_info")
    finally:
        assert set_parameters(graph, confidence_threshold=0.4).successful


@pytest.fixture(scope="module")
def complaints(graph: Any) -> list[DiagnosticArray]:
    return graph.hear(DiagnosticArray, "/diagnostics")


# After the others, because it takes the engine away from them for a while.
@pytest.mark.parametrize(
    ("name", "value", "normal", "wanted"),
    [
        ("class_filter", ["cog"], [""], "class_filter: got 'cog'"),
        ("cameras", ["front", "front"], [""], "'cameras' of detector: got 'front'"),
        ("cameras", ["front door"], [""], "'cameras' of detector: got 'front door'"),
        ("precision", "fp64", "auto", "got 'fp64', wanted one of auto, fp32, fp16, int8"),
        ("precision", "int8", "auto", "got 'int8', which this model does not have"),
        ("image_transport", "theora", "raw", "got 'theora', wanted one of raw, compressed"),
    ],
)
def test_what_configure_cannot_use_keeps_the_node_unconfigured_and_says_why(
    graph: Any, camera: Camera, complaints: Any, name: str, value: Any, normal: Any, wanted: str
) -> None:
    for transition in (Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_CLEANUP):
        assert change(graph, transition)
    try:
        assert set_parameters(graph, **{name: value}).successful
        assert not change(graph, Transition.TRANSITION_CONFIGURE)
        assert state(graph) == "unconfigured"
        graph.until(lambda: any(wanted in said.status[0].message for said in complaints), "its reason")
    finally:
        assert set_parameters(graph, **{name: normal}).successful
        for transition in (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE):
            assert change(graph, transition)
