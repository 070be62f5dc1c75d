"""Takes the queued orders to the robot, one at a time, in the order in which they came."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from sqlalchemy.exc import SQLAlchemyError

from trunnion_bridge import correlation, tracing
from trunnion_bridge.execution import Execution, Patience, Robot
from trunnion_bridge.leadership import Deposed
from trunnion_bridge.ledger import Ledger
from trunnion_bridge.lifecycle import ENDED, WITH_THE_SORTER
from trunnion_bridge.models import Order

_log = logging.getLogger("trunnion.bridge")
_STOP_S = 1.0
_TRY_AGAIN_S = 1.0
_DEADLINES_S = 0.5
_DRAIN_LOOK_S = 0.05


class Dispatcher:
    """Runs until it is stopped."""

    def __init__(self, ledger: Ledger, robot: Robot, patience: Patience) -> None:
        self._ledger = ledger
        self._robot = robot
        self._patience = patience
        self._posted = asyncio.Event()
        self._is_draining = False
        self._execution: Execution | None = None
        self._task: asyncio.Task[None] | None = None
        self._expiring: asyncio.Task[None]

    @property
    def alive(self) -> bool:
        """Whether orders are taken to the robot."""
        return self._task is not None and not self._task.done()

    @property
    def current(self) -> Order | None:
        """The order that runs, or that waits for the robot."""
        return self._execution.order if self._execution else None

    async def start(self) -> None:
        """Begin to take orders, first those that a bridge before this one left with the sorter."""
        self._task = asyncio.create_task(self._run(), name="dispatcher")
        self._expiring = asyncio.create_task(self._expire(), name="deadlines")

    async def leave(self) -> None:
        """Take no further order, and look after none any more: what the sorter has is for the next leader."""
        if self._task is None:
            return
        for task in (self._task, self._expiring):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self._task = None

    async def stop(self) -> None:
        """Take no further order; the sorter is asked to leave the one that runs, and given a second for it."""
        if self._task is None:
            return
        execution = self._execution
        if execution and execution.order.state in WITH_THE_SORTER:
            execution.cancel("the bridge was stopped")
            await self._until_ended(execution, _STOP_S)
        await self.leave()
        await self._ledger.fail_running("the bridge was stopped while this order ran")

    @property
    def draining(self) -> bool:
        """Whether no further order is taken to the robot."""
        return self._is_draining

    async def drain(self) -> None:
        """Take no further order to the robot; return when the sorter has none any more."""
        self._is_draining = True
        while (order := self.current) and order.state in WITH_THE_SORTER:
            await asyncio.sleep(_DRAIN_LOOK_S)

    def hear(self, order: Order) -> None:
        """Take in a change of an order, whoever has written it: a new one, one that is to be left, one that ended."""
        self._posted.set()
        execution = self._execution
        if execution and execution.order.id == order.id:
            if order.state in ENDED:
                execution.withdraw()
            elif order.cancelling and not execution.is_cancelled:
                execution.cancel()

    async def _run(self) -> None:
        while True:
            self._posted.clear()
            try:
                order = None if self._is_draining else await self._ledger.next_up()
                if order:
                    await self._carry_out(order)
                else:
                    await self._posted.wait()
            except SQLAlchemyError:  # a full disk, say: the orders wait until it is mended
                _log.exception("the orders cannot be read or written; trying again")
                await asyncio.sleep(_TRY_AGAIN_S)
            except Deposed:
                _log.warning("another bridge looks after the orders now")
                await asyncio.sleep(_TRY_AGAIN_S)  # who knows of the new leader ends this

    async def _carry_out(self, order: Order) -> None:
        self._execution = Execution(order, self._ledger, self._robot, self._patience)
        try:
            if order.state in WITH_THE_SORTER and (now := await self._ledger.get(order.id)):
                self.hear(now)  # it may have been cancelled before anybody here heard of such
            with correlation.of_order(order.id), tracing.of_order(order):
                await self._execution.run()
        except (SQLAlchemyError, Deposed):  # the sorter works on, and is asked again how far it is
            raise
        except Exception as error:  # an order that breaks something must not stop those after it
            _log.exception("order %d broke the bridge", order.number)
            self._robot.cancel(order.id)
            await self._ledger.finish(order.id, "failed", f"something broke inside the bridge: {error!r}")
        finally:
            self._execution = None

    async def _expire(self) -> None:
        while True:
            try:
                for order in await self._ledger.expire():
                    if self._execution and self._execution.order.id == order.id:
                        self._execution.withdraw()
            except Deposed:
                pass
            except SQLAlchemyError:
                _log.exception("deadlines cannot be looked after; trying again")
            await asyncio.sleep(_DEADLINES_S)

    async def _until_ended(self, execution: Execution, timeout_s: float) -> None:
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + timeout_s
        while self._execution is execution and loop.time() < deadline_s:
            await asyncio.sleep(0.02)
