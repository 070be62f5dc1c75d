"""What the leader alone does: begun when this bridge takes the lead, left off when another does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from trunnion_bridge.leadership import Leadership, Role

_LOOK_S = 1.0
_log = logging.getLogger("trunnion.bridge")


class Duty(Protocol):
    """Started and left any number of times, never twice in a row."""

    async def start(self) -> None:
        """Begin, or go on with what a leader before this one left; the database may be away."""

    async def leave(self) -> None:
        """Stop at once and leave everything as it is: another bridge goes on with it."""


class Eyes(Protocol):
    """The robot as the leader sees it."""

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Open them; on a thread of its own."""

    def stop(self) -> None:
        """Close them."""


class Duties:
    """Follows the role of this bridge. Lives on the event loop.

    The duties are left as soon as the lead is lost. The eyes stay open until another bridge is seen to lead, so that
    a database which goes and comes back blinds nobody.
    """

    def __init__(self, leadership: Leadership, eyes: Eyes, duties: Sequence[Duty]) -> None:
        self._leadership = leadership
        self._eyes = eyes
        self._duties = duties
        self._role = Role()
        self._begun: list[Duty] = []
        self._task: asyncio.Task[None] | None = None
        self.sees = False

    @property
    def alive(self) -> bool:
        """Whether the role is followed."""
        return self._task is not None and not self._task.done()

    async def start(self) -> None:
        """Take the role that the bridge has, then each that comes."""
        await self._take(self._leadership.role)
        self._task = asyncio.create_task(self._follow(), name="duties")

    async def stop(self) -> None:
        """Follow no more; the duties that are begun go on."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def leave(self) -> None:
        """Leave everything, the last begun first, for another bridge to go on with."""
        while self._begun:
            await self._begun.pop().leave()

    async def close(self) -> None:
        """Close the eyes."""
        if self.sees:
            self.sees = False
            await asyncio.to_thread(self._eyes.stop)

    async def _follow(self) -> None:
        while True:
            if (role := self._leadership.role) == self._role:
                await self._leadership.changed.wait(_LOOK_S)
                continue
            try:
                await self._take(role)
            except Exception:  # it may be over in a moment; until then nothing is half begun
                _log.exception("what a leader does could not be begun or left; trying again")
                self._role = Role()
                await self.leave()
                await asyncio.sleep(_LOOK_S)

    async def _take(self, role: Role) -> None:
        """One who led, lost the lead and leads again begins anew: there may have been another in between."""
        self._role = role
        await self.leave()
        if role.leads:
            if not self.sees:
                await self._open()
            for duty in self._duties:
                self._begun.append(duty)
                await duty.start()
        elif role.leader:
            await self.close()

    async def _open(self) -> None:
        """Takes a second or more on a busy machine; others are answered. Eyes half open could not be closed."""
        opening = asyncio.create_task(asyncio.to_thread(self._eyes.start, asyncio.get_running_loop()))
        try:
            await asyncio.shield(opening)
        finally:
            await opening
            self.sees = True
