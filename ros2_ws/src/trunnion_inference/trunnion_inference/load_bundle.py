"""The service `~/load_bundle` and the rules that a new bundle must keep to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.task import Future
from trunnion_interfaces.srv import LoadBundle

from trunnion_edge.model_source import SourcedDetector
from trunnion_edge.probation import SwapRules
from trunnion_inference.parameters import number, text, whole

Offer = Callable[[Path, SwapRules], SourcedDetector]


class LoadBundleService:
    """Answers once the bundle is checked or refused; opening and checking happen on a thread of their own."""

    def __init__(self, node: Node, offer: Offer) -> None:
        self._node = node
        self._offer = offer
        _declare(node)
        # Who waits for the answer must hold up neither the other callbacks nor a second request, which is refused.
        group = ReentrantCallbackGroup()
        node.create_service(LoadBundle, "~/load_bundle", self._on_request, callback_group=group)

    async def _on_request(
        self, request: LoadBundle.Request, response: LoadBundle.Response
    ) -> LoadBundle.Response:
        answer = Future(executor=self._node.executor)
        worker = threading.Thread(
            target=self._load, args=(Path(request.path), response, answer), name="load_bundle", daemon=True
        )
        worker.start()
        return await answer

    def _load(self, path: Path, response: LoadBundle.Response, answer: Future) -> None:
        rules = _rules(self._node)
        try:
            model = self._offer(path, rules)
        except Exception as error:
            response.message = str(error)
            self._node.get_logger().error(f"{path} refused: {error}")
        else:
            response.ok, response.digest = True, model.source.digest
            response.message = (
                f"{model.source} detects from the next frame on; "
                f"the one before it is kept for {rules.probation_frames} frames"
            )
        answer.set_result(response)
        self._node.executor.wake()


def _declare(node: Node) -> None:
    rules = SwapRules()
    node.declare_parameter(
        "swap_probation_frames",
        rules.probation_frames,
        whole("After load_bundle the old model is kept for so many frames", 1, 100000),
    )
    node.declare_parameter(
        "swap_latency_ratio_max",
        rules.latency_ratio_max,
        number("A new model may take so many times the old one's median", 1.0, 1000.0),
    )
    node.declare_parameter(
        "swap_latency_floor_ms",
        rules.latency_floor_ms,
        number("A new model may always take so long for a frame", 0.0, 60000.0),
    )
    node.declare_parameter(
        "swap_blind_frames",
        rules.blind_frames,
        whole("Consecutive frames in which the old model sees something and the new one nothing", 1, 1000),
    )
    node.declare_parameter(
        "swap_other_labels", rules.other_labels, text("Whether a new bundle may have other classes")
    )
    node.declare_parameter(
        "swap_other_application",
        rules.other_application,
        text("Whether a new bundle may have another policy or cell, which go on as they are"),
    )


def _rules(node: Node) -> SwapRules:
    names = ("probation_frames", "latency_ratio_max", "latency_floor_ms", "blind_frames", "other_labels",
             "other_application")  # fmt: skip
    return SwapRules(**{name: node.get_parameter(f"swap_{name}").value for name in names})
