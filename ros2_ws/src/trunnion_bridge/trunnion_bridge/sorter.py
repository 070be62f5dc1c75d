"""The sorter's action as the gateway's node speaks it. Knows no rclpy: it is given what it speaks with."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

from action_msgs.srv import CancelGoal
from trunnion_interfaces.action import Sort
from unique_identifier_msgs.msg import UUID

from trunnion_bridge import messages
from trunnion_bridge.models import Order
from trunnion_bridge.sorting import SortAccepted, SortNews, SortOutcome, SortRun


class Sorter:
    """`sort`, `ask` and `cancel` may be called on any thread; the rest happens on the executor's.

    Args:
        node: speaks with the sorter; its executor, too.
        action: a client of the action `sort` on that node.
        loop: where runs are told.
        may_command: whether this bridge may still command the robot.
    """

    def __init__(
        self,
        node: Any,
        action: Any,
        executor: Any,
        loop: asyncio.AbstractEventLoop,
        may_command: Callable[[], bool],
    ) -> None:
        self._node = node
        self._action = action
        self._executor = executor
        self._loop = loop
        self._may_command = may_command
        self._cancel = node.create_client(CancelGoal, "sort/_action/cancel_goal")
        self._result = node.create_client(Sort.Impl.GetResultService, "sort/_action/get_result")
        self.is_here = False

    def sort(self, order: Order, run: SortRun) -> None:
        """Hand an order to the sorter, which tells `run`.

        The order's id is the goal's: it can be cancelled after a restart, and asking twice does not sort twice.
        """
        self._executor.create_task(self._send, order, self._teller(run))

    def ask(self, order: Order, run: SortRun) -> None:
        """Follow an order that the sorter was given before, by whom ever; an order that it forgot is `unknown`."""
        self._executor.create_task(self._ask, order, self._teller(run))

    def cancel(self, order_id: str) -> None:
        """Ask the sorter to leave an order; without a sorter nothing happens."""
        self._executor.create_task(self._send_cancel, order_id)

    def look(self) -> None:
        """Find out whether it is there."""
        services = (self._cancel, self._result)
        self.is_here = self._action.server_is_ready() and all(one.service_is_ready() for one in services)

    def close(self) -> None:
        """Leave it, on the thread that ended the executor."""
        self._action.destroy()

    def _teller(self, run: SortRun) -> Callable[[SortNews], None]:
        def tell(news: SortNews) -> None:
            self._loop.call_soon_threadsafe(run.tell, news)

        return tell

    # All below runs on the executor's thread.

    def _send(self, order: Order, tell: Callable[[SortNews], None]) -> None:
        if not self._may_command():  # asked last of all: this process may have slept since it was last known
            return

        def on_feedback(message: Any) -> None:
            tell(messages.sort_update(message.feedback))

        def on_answer(future: Any) -> None:
            handle = future.result()
            if not handle.accepted:
                tell(SortOutcome("refused", 0, "the sorter did not take the order"))
                return
            tell(SortAccepted())
            handle.get_result_async().add_done_callback(
                lambda result: tell(messages.sort_outcome(result.result()))
            )

        goal = messages.sort_goal(Sort.Goal, order)
        self._action.send_goal_async(goal, on_feedback, _goal_id(order.id)).add_done_callback(on_answer)

    def _ask(self, order: Order, tell: Callable[[SortNews], None]) -> None:
        goal_id = _goal_id(order.id)

        def on_feedback(message: Any) -> None:
            if message.goal_id == goal_id:
                tell(messages.sort_update(message.feedback))

        def on_result(future: Any) -> None:
            self._node.destroy_subscription(listening)
            tell(messages.sort_outcome(future.result()))

        topic = "sort/_action/feedback"
        listening = self._node.create_subscription(Sort.Impl.FeedbackMessage, topic, on_feedback, 10)
        request = Sort.Impl.GetResultService.Request(goal_id=goal_id)
        self._result.call_async(request).add_done_callback(on_result)

    def _send_cancel(self, order_id: str) -> None:
        if not self._may_command():
            return
        request = CancelGoal.Request()
        request.goal_info.goal_id = _goal_id(order_id)
        self._cancel.call_async(request)


def _goal_id(order_id: str) -> Any:
    return UUID(uuid=list(uuid.UUID(order_id).bytes))
