"""One order on its way: it waits for the robot, is handed over, followed, and ends."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from opentelemetry.trace import SpanKind
from sqlalchemy.exc import SQLAlchemyError

from trunnion_bridge.ledger import Ledger
from trunnion_bridge.models import NodeHealth, Order, OrderState
from trunnion_bridge.sorting import SortAccepted, SortNews, SortOutcome, SortRun, SortUpdate
from trunnion_bridge.timeouts import within
from trunnion_bridge.tracing import tracer
from trunnion_bridge.vigil import Vigil

_log = logging.getLogger("trunnion.bridge")
_LOOK_S = 0.25
_ASK_AGAIN_S = 1.0
_STATES: dict[str, OrderState] = {"succeeded": "succeeded", "cancelled": "cancelled"}


class Robot(Protocol):
    """What an execution needs of the gateway."""

    @property
    def sorter_here(self) -> bool:
        """Whether an action server takes orders."""

    def sorter_silence_s(self) -> float | None:
        """Seconds since the sorter's last heartbeat; None when it never sent one."""

    def away(self) -> list[NodeHealth]:
        """Nodes that an order needs and that do not work."""

    def sort(self, order: Order, run: SortRun) -> None:
        """Hand an order to the sorter, which tells `run`; one that it has already is refused."""

    def ask(self, order: Order, run: SortRun) -> None:
        """Ask the sorter how an order that it was given before went on; it tells `run`."""

    def cancel(self, order_id: str) -> None:
        """Ask the sorter to leave an order."""


@dataclass(frozen=True)
class Patience:
    """How long an order waits.

    Attributes:
        robot_wait_s: for a sorter that is away or does not take the order.
        sorter_silence_max_s: for a sorter that was there and fell silent.
        news_max_s: for a sorter that is there and says nothing about the order.
        quiet_max_s: for a sorter that says nothing for a while, before it is asked.
        answer_max_s: for a sorter to say whether it takes the order.
    """

    robot_wait_s: float = 60.0
    sorter_silence_max_s: float = 5.0
    news_max_s: float = 60.0
    quiet_max_s: float = 2.0
    answer_max_s: float = 5.0


class Execution:
    """Takes one order from queued to its end."""

    def __init__(self, order: Order, ledger: Ledger, robot: Robot, patience: Patience) -> None:
        self.order = order
        self._ledger = ledger
        self._robot = robot
        self._patience = patience
        self._is_left = order.state != "queued"  # with the sorter, by a bridge before us
        self.is_cancelled = order.cancelling
        self._withdrawn = asyncio.Event()
        self._cancel_reason = ""

    def withdraw(self) -> None:
        """The order ended while it waited: somebody else has ended it."""
        self._withdrawn.set()

    def cancel(self, reason: str = "") -> None:
        """Ask the sorter to leave the order; it ends as soon as the sorter has left off."""
        self._cancel_reason = reason
        self.is_cancelled = True
        self._robot.cancel(self.order.id)
        if not self._is_left:  # one that is left may have ended otherwise: the sorter says how
            self._withdrawn.set()

    async def run(self) -> None:
        """Return when the order has ended."""
        if self._is_left:
            await self._resume()
        else:
            await self._give()

    async def _give(self) -> None:
        """Give the order to the sorter; that it is given is written down first."""
        deadline_s = time.monotonic() + self._patience.robot_wait_s
        sort_run = SortRun()  # one for all asking: the sorter may answer the first when asked again
        while await self._comes(self._is_whole, deadline_s):
            if self.order.state == "queued" and not await self._hand_over():
                return
            self._robot.sort(self.order, sort_run)
            answer = await sort_run.next(self._patience.answer_max_s)
            # Feedback may overtake the answer that the order is taken.
            if isinstance(answer, SortAccepted | SortUpdate):
                await self._follow(sort_run, answer)
                return
            if time.monotonic() > deadline_s:
                await self._fail(
                    f"the sorter did not take the order within {self._patience.robot_wait_s:.0f} s"
                )
                return
            if await self._was_withdrawn(_ASK_AGAIN_S):
                break
        if self.is_cancelled and self.order.state == "starting":
            await self._leave()

    async def _resume(self) -> None:
        """Find out what became of an order that was given to the sorter before; it is never given again."""
        sort_run = SortRun()
        deadline_s = time.monotonic() + self._patience.robot_wait_s
        if await self._comes(lambda: self._robot.sorter_here, deadline_s):
            self._robot.ask(self.order, sort_run)
            await self._follow(sort_run, None)

    async def _hand_over(self) -> bool:
        handed = await self._ledger.hand_over(self.order.id)
        self.order = handed or self.order
        return handed is not None

    async def _leave(self) -> None:
        """The order was cancelled before the sorter took it."""
        self._robot.cancel(self.order.id)
        message = "cancelled before the sorter took it"
        if self._cancel_reason:
            message = f"{self._cancel_reason}: {message}"
        await self._ledger.finish(self.order.id, "cancelled", message)

    def _is_whole(self) -> bool:
        """Whether an order would start: a sorter without the nodes that it needs would fail one after the other."""
        return self._robot.sorter_here and not self._robot.away()

    async def _comes(self, is_here: Callable[[], bool], deadline_s: float) -> bool:
        """Wait for the robot. False when the order has ended or was cancelled meanwhile."""
        is_noted = False
        while not is_here():
            if time.monotonic() > deadline_s:
                wait_s, away = self._patience.robot_wait_s, self._away()
                await self._fail(
                    f"the robot was not there within {wait_s:.0f} s: {away}; start it, then order again"
                )
                return False
            if not is_noted:
                await self._ledger.note(self.order.id, f"waiting for the robot: {self._away()}")
                is_noted = True
            if await self._was_withdrawn(_LOOK_S):
                return False
        return not self._withdrawn.is_set()

    @tracer.start_as_current_span("sort", kind=SpanKind.CLIENT, attributes={"ros.action": "sort"})
    async def _follow(self, sort_run: SortRun, news: SortNews | None) -> None:
        if self.is_cancelled:  # before the sorter had it, or by a bridge before us
            self._robot.cancel(self.order.id)
        vigil = Vigil(time.monotonic(), self._patience.quiet_max_s)
        while True:
            vigil.look(time.monotonic(), self._robot.sorter_here, news is not None)
            # What is refused now was asked again before the sorter took what was asked first.
            if isinstance(news, SortOutcome) and news.kind != "refused":
                await self._end(news)
                return
            if lost := self._lost(vigil):
                await self._fail(f"{lost} while the order ran; {self._so_far()}")
                return
            if vigil.wants_to_ask():
                self._robot.ask(self.order, sort_run)
            await self._take_in(news)
            news = await sort_run.next(_LOOK_S)

    async def _take_in(self, news: SortNews | None) -> None:
        try:
            if news is not None and self.order.state == "starting":
                self.order = await self._ledger.start(self.order.id) or self.order
            if isinstance(news, SortUpdate):
                known = (self.order.phase, self.order.part, self.order.sorted)
                if (news.phase, news.part, news.sorted_parts) != known:
                    changed = await self._ledger.progress(self.order.id, **news._asdict())
                    self.order = changed or self.order
        except SQLAlchemyError:  # the sorter works on, and its outcome counts
            _log.exception("how far order %d is cannot be written", self.order.number)

    async def _end(self, outcome: SortOutcome) -> None:
        if outcome.kind == "unknown":
            await self._fail(f"the sorter no longer knows the order that it was given; {self._so_far()}")
            return
        state = _STATES.get(outcome.kind, "failed")
        message = outcome.message or f"the sorter ended the order: {outcome.kind}"
        if self._cancel_reason:
            message = f"{self._cancel_reason}: {message}"
        await self._ledger.finish(self.order.id, state, message, outcome.sorted_parts)

    def _lost(self, vigil: Vigil) -> str:
        """How the sorter was lost; empty when it was not."""
        silence_s, silence_max_s = self._robot.sorter_silence_s(), self._patience.sorter_silence_max_s
        if silence_s is not None and vigil.silent_s(silence_s) > silence_max_s:
            return f"the sorter fell silent {silence_s:.0f} s ago,"
        if (away_s := vigil.away_s()) > silence_max_s:
            return f"the sorter's action server has been gone for {away_s:.0f} s,"
        if (quiet_s := vigil.quiet_s()) > self._patience.news_max_s:
            return f"the sorter said nothing about the order for {quiet_s:.0f} s,"
        return ""

    def _away(self) -> str:
        return (
            ", ".join(f"{node.name} ({node.message})" for node in self._robot.away())
            or "no sorter offers the action 'sort'"
        )

    def _so_far(self) -> str:
        return f"{self.order.sorted} of {self.order.requested} parts were sorted; look at the sorter's log"

    async def _was_withdrawn(self, within_s: float) -> bool:
        try:
            await within(within_s, self._withdrawn.wait())
        except TimeoutError:
            return False
        return True

    async def _fail(self, message: str) -> None:
        self._robot.cancel(self.order.id)  # the sorter may have the order nevertheless, or get it late
        await self._ledger.finish(self.order.id, "failed", message)
