"""Events to many listeners, each with an outbox that cannot grow: states replace older ones, a listener that falls
behind with the rest is let go and may come back to a fresh snapshot."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any, NamedTuple


class TooSlow(Exception):
    """The listener did not take its events in time."""


class Message(NamedTuple):
    """An event as it goes out.

    `seq` grows by one with each event of this feed; `event` is the id of a change of an order, which outlives it.
    """

    seq: int
    kind: str
    text: str
    event: int | None = None


class Outbox:
    """What one listener has yet to be told."""

    def __init__(self, events_max: int, topics: Collection[str] | None = None) -> None:
        self._topics = topics
        self._states: dict[str, Message] = {}
        self._events: deque[Message] = deque()
        self._events_max = events_max
        self._filled = asyncio.Event()
        self.replaced = 0
        self.overflowed = False

    def hears(self, kind: str) -> bool:
        """Whether messages of that kind are for this listener."""
        return self._topics is None or kind in self._topics

    def put(self, message: Message, is_state: bool) -> None:
        """Keep `message`; a state takes the place of the older one of its kind."""
        if is_state:
            self.replaced += message.kind in self._states
            self._states[message.kind] = message
        elif len(self._events) < self._events_max:
            self._events.append(message)
        else:
            self.overflow()
        self._filled.set()

    def overflow(self) -> None:
        """Events are lost on this listener."""
        self.overflowed = True
        self._filled.set()

    async def take(self) -> Message:
        """The oldest message, once there is one.

        Raises:
            TooSlow: events were lost on this listener.
        """
        await self._filled.wait()
        if self.overflowed:
            raise TooSlow
        message = self._pop()
        if not self:
            self._filled.clear()
        return message

    def __len__(self) -> int:
        return len(self._states) + len(self._events)

    def _pop(self) -> Message:
        oldest = min(self._states, key=lambda kind: self._states[kind].seq, default=None)
        if oldest is None or (self._events and self._events[0].seq < self._states[oldest].seq):
            return self._events.popleft()
        return self._states.pop(oldest)


class Feed:
    """Hands each event to every listener. Lives on the event loop."""

    def __init__(self, events_max: int = 256) -> None:
        self._outboxes: set[Outbox] = set()
        self._events_max = events_max
        self._seq = 0
        self._replaced = 0

    def __len__(self) -> int:
        return len(self._outboxes)

    @property
    def replaced(self) -> int:
        """States that a listener never saw because a newer one took their place."""
        return self._replaced + sum(outbox.replaced for outbox in self._outboxes)

    def publish(self, kind: str, data: Any, *, is_state: bool = False, event: int | None = None) -> None:
        """Tell all listeners."""
        message = self.message(kind, data, event=event)
        for outbox in self._outboxes:
            if outbox.hears(kind):
                outbox.put(message, is_state)

    def is_heard(self, kind: str) -> bool:
        """Whether anybody listens to messages of that kind."""
        return any(outbox.hears(kind) for outbox in self._outboxes)

    def let_go(self) -> None:
        """Send all listeners away; they come back with the id of what they heard last."""
        for outbox in self._outboxes:
            outbox.overflow()

    def number(self) -> int:
        """The next number."""
        self._seq += 1
        return self._seq

    def message(self, kind: str, data: Any, seq: int | None = None, event: int | None = None) -> Message:
        """An event with the next number, or with one that was drawn before."""
        seq = self.number() if seq is None else seq
        at = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        content = {"seq": seq, "type": kind, "at": at, "data": data}
        if event is not None:
            content["id"] = event
        return Message(seq, kind, json.dumps(content, separators=(",", ":")), event)

    @contextmanager
    def listener(self, topics: Collection[str] | None = None) -> Iterator[Outbox]:
        """An outbox that is filled for as long as the block lasts, with messages of these kinds (None is all)."""
        outbox = Outbox(self._events_max, topics)
        self._outboxes.add(outbox)
        try:
            yield outbox
        finally:
            self._outboxes.discard(outbox)
            self._replaced += outbox.replaced
