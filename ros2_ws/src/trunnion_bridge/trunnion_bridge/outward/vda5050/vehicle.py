"""The robot that the fleet control sees: takes orders and instant actions, says what became of them, knows no MQTT."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from trunnion_bridge.lifecycle import ENDED
from trunnion_bridge.models import Order, OrderRequest
from trunnion_bridge.outward.vda5050.book import Book, Entry
from trunnion_bridge.outward.vda5050.condition import Condition
from trunnion_bridge.outward.vda5050.dialect import Dialect
from trunnion_bridge.outward.vda5050.fault import Rejected
from trunnion_bridge.outward.vda5050.messages import (
    CANCEL,
    CLEAR,
    FACTSHEET,
    STATE_REQUEST,
    Action,
    OrderMessage,
    read_instant_actions,
    read_order,
    request_of,
)
from trunnion_bridge.problem import Refused

_INSTANT_KEPT = 32
Post = Callable[[OrderRequest, str], Awaitable[Order]]
Cancel = Callable[[str], Awaitable[object]]
Look = Callable[[str], Awaitable[Order | None]]


class Vehicle:
    """Lives on the event loop, takes one message after the other.

    Args:
        post: put an order into the queue under an idempotency key; Refused when the cell cannot take it.
        cancel: end an order in the queue by its id.
        look: an order as it is now.
    """

    def __init__(self, dialect: Dialect, book: Book, post: Post, cancel: Cancel, look: Look) -> None:
        self._dialect = dialect
        self._book = book
        self._post = post
        self._cancel = cancel
        self._look = look
        self._entries: list[Entry] = []
        self._order_error: dict[str, Any] | None = None
        self._instant_error: dict[str, Any] | None = None
        self._instant: dict[str, dict[str, Any]] = {}
        self._cancelling: list[str] = []
        self._factsheet_wanted = False

    async def open(self) -> None:
        """Take up the order that came last, perhaps to a bridge before this one."""
        self._entries = await asyncio.to_thread(self._book.latest)
        await self._look_again()

    def hear(self, order: Order) -> bool:
        """Take in a change of an order in the queue; whether it is one of ours."""
        for entry in self._entries:
            if entry.order and entry.order.id == order.id:
                entry.order = order if order.event >= entry.order.event else entry.order
                self._settle()
                return True
        return False

    async def take_order(self, payload: bytes) -> None:
        """An order came. The same one once more is passed over; one that is not taken becomes an error of the state.

        Raises:
            Rejected: it was not taken; the state says so already.
        """
        try:
            if await self._accept(read_order(payload)):
                self._order_error = None
        except Rejected as rejected:
            self._order_error = rejected.error(self._dialect)
            raise

    async def take_instant_actions(self, payload: bytes) -> None:
        """Instant actions came: cancelOrder, stateRequest, factsheetRequest, clearInstantActions.

        Raises:
            Rejected: one was not taken; the state says so already.
        """
        try:
            message = read_instant_actions(payload)
            self._check_version(message.version, {})
            for action in message.actions:
                if action.action_id not in self._instant:  # the same once more is passed over
                    await self._do(action)
        except Rejected as rejected:
            self._instant_error = rejected.error(self._dialect)
            raise

    def takes_factsheet_request(self) -> bool:
        """Whether the factsheet is to be sent, which is said once for each request."""
        wanted, self._factsheet_wanted = self._factsheet_wanted, False
        return wanted

    def state(self, condition: Condition) -> dict[str, Any]:
        """The state without its header, of a cell in that condition."""
        last = self._entries[-1].message if self._entries else None
        orders = [state for entry in self._entries for state in self._action_states(entry)]
        instant = list(self._instant.values())
        errors = [error for error in (self._order_error, self._instant_error) if error]
        return {
            "orderId": last.order_id if last else "",
            "orderUpdateId": last.order_update_id if last else 0,
            **_way(last, self._is_active()),
            "driving": False,
            "operatingMode": "AUTOMATIC",
            "actionStates": orders if self._dialect.has_instant_states else orders + instant,
            **({"instantActionStates": instant} if self._dialect.has_instant_states else {}),
            "errors": [*errors, *condition.troubles],
            **condition.as_said(self._dialect),
        }

    async def _accept(self, message: OrderMessage) -> bool:
        """Whether it was new."""
        ids = {"orderId": message.order_id, "orderUpdateId": str(message.order_update_id)}
        self._check_version(message.version, ids)
        current = self._entries[-1] if self._entries else None
        is_update = current is not None and current.message.order_id == message.order_id
        if current and is_update and message.order_update_id < current.message.order_update_id:
            raise Rejected("outdated", f"update {current.message.order_update_id} is here already", ids)
        known = await asyncio.to_thread(self._book.find, message.order_id, message.order_update_id)
        if known and known.message.content() != message.content():
            raise Rejected("same-id", "it came before with the same ids and other content", ids)
        if known and known.is_whole:
            return False
        if current and is_update and current.is_cancelled:
            raise Rejected("after-cancel", "the order was cancelled", ids)
        if not is_update and self._is_active():
            raise Rejected("other-active", "another order is not yet at its end", ids)
        await self._enter(message, is_update, ids)
        return True

    async def _enter(self, message: OrderMessage, is_update: bool, ids: dict[str, str]) -> None:
        known = {action.action_id for entry in self._entries for action in entry.new} if is_update else set()
        entry = Entry(message, [action for action in message.actions() if action.action_id not in known])
        if not entry.new and not is_update:
            raise Rejected("order", "it has no action that is released", ids)
        request = request_of(entry.new) if entry.new else None
        await asyncio.to_thread(self._book.add, entry)
        if request:
            try:
                entry.order = await self._post(request, entry.key)
            except Refused as refused:
                await asyncio.to_thread(self._book.remove, entry)
                words = f"{refused.where}: got {refused.got}, wanted {refused.wanted}"
                raise Rejected("order", words, ids) from None
        self._entries = [*self._entries, entry] if is_update else [entry]
        await self._look_again()

    async def _look_again(self) -> None:
        """What became of orders before we listened."""
        for entry in self._entries:
            if entry.order and (now := await self._look(entry.order.id)):
                self.hear(now)

    async def _do(self, action: Action) -> None:
        reference = {"actionId": action.action_id}
        if action.action_type == CANCEL:
            await self._cancel_order(action, reference)
        elif action.action_type == CLEAR:
            self._instant = {
                key: one for key, one in self._instant.items() if one["actionStatus"] == "RUNNING"
            }
            self._mark(action, "FINISHED", "")
        elif action.action_type == STATE_REQUEST:  # each message is answered with the state
            self._mark(action, "FINISHED", "")
        elif action.action_type == FACTSHEET:
            self._factsheet_wanted = True
            self._mark(action, "FINISHED", "")
        else:
            self._mark(action, "FAILED", "the cell does not know this action")
            words = f"the cell does not know the instant action {action.action_type!a}"
            raise Rejected("instant-action", words, reference)
        self._instant_error = None

    async def _cancel_order(self, action: Action, reference: dict[str, str]) -> None:
        if not self._is_active():
            self._mark(action, "FAILED", "there is no order to cancel")
            raise Rejected("nothing-to-cancel", "there is no order to cancel", reference)
        await asyncio.to_thread(self._book.cancel, self._entries[-1].message.order_id)
        for entry in self._entries:
            entry.is_cancelled = True
            if entry.order and entry.is_open:
                await self._cancel(entry.order.id)
        self._mark(action, "RUNNING", "")
        self._cancelling.append(action.action_id)
        self._settle()

    def _settle(self) -> None:
        """A cancellation is at its end when all that was cancelled is."""
        if any(entry.is_open for entry in self._entries):
            return
        for action_id in self._cancelling:
            self._instant.get(action_id, {})["actionStatus"] = "FINISHED"
        self._cancelling.clear()

    def _mark(self, action: Action, status: str, result: str) -> None:
        self._instant[action.action_id] = self._action_state(action, status, result)
        while len(self._instant) > _INSTANT_KEPT:
            del self._instant[next(iter(self._instant))]

    def _is_active(self) -> bool:
        """Whether there is something to be done, or an update to wait for."""
        if not self._entries or any(entry.is_open for entry in self._entries):
            return bool(self._entries)
        last = self._entries[-1]
        went_well = all(entry.order is None or entry.order.state == "succeeded" for entry in self._entries)
        has_horizon = any(not place.released for place in last.message.places())
        return went_well and not last.is_cancelled and has_horizon

    def _action_states(self, entry: Entry) -> list[dict[str, Any]]:
        return [
            self._action_state(
                action, _status(action, entry.order), entry.order.message if entry.order else ""
            )
            for action in entry.new
        ]

    def _action_state(self, action: Action, status: str, result: str) -> dict[str, Any]:
        state = {"actionId": action.action_id, "actionType": action.action_type, "actionStatus": status}
        return {**state, self._dialect.result: ascii(result)[1:-1]} if result else state

    def _check_version(self, version: str, ids: dict[str, str]) -> None:
        ours = self._dialect.version
        if version.split(".")[0] != ours.split(".")[0]:
            raise Rejected("malformed", f"version {version!a} is not {ours}", ids)


def _status(action: Action, order: Order | None) -> str:
    if order is None or order.state in ("queued", "starting"):
        return "WAITING"
    if order.state in ENDED:
        return "FINISHED" if order.state == "succeeded" else "FAILED"
    return "RUNNING" if order.part in ("", action.parameter("part")) else "WAITING"


def _way(message: OrderMessage | None, is_active: bool) -> dict[str, Any]:
    """Where the robot is on its way: at the first node while it works, at the last one after."""
    if message is None:
        return {"lastNodeId": "", "lastNodeSequenceId": 0, "nodeStates": [], "edgeStates": []}
    nodes = sorted(message.nodes, key=lambda node: node.sequence_id)
    released = [node for node in nodes if node.released] or nodes[:1]
    at = nodes[0] if is_active else released[-1]
    ahead = is_active
    return {
        "lastNodeId": at.node_id,
        "lastNodeSequenceId": at.sequence_id,
        "nodeStates": [
            {"nodeId": node.node_id, "sequenceId": node.sequence_id, "released": node.released}
            for node in nodes[1:]
            if ahead
        ],
        "edgeStates": [
            {"edgeId": edge.edge_id, "sequenceId": edge.sequence_id, "released": edge.released}
            for edge in message.edges
            if ahead
        ],
    }
