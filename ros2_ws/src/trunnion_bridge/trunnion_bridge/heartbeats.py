"""Which nodes are well, by the heartbeats they send."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from trunnion_bridge.models import NodeHealth

SILENT_AFTER_S = 1.5
LIFECYCLE_KEY = "state"  # of the values of a heartbeat: the lifecycle state of a node that has one
Level = Literal["ok", "warn", "error"]
_NONE: Mapping[str, str] = {}


@dataclass(frozen=True)
class Heartbeat:
    """The last word of a node."""

    heard_s: float
    level: Level
    message: str
    values: Mapping[str, str]


class Heartbeats:
    """The last heartbeat of each node, and of those that must be there but never were."""

    def __init__(self, expected: Iterable[str]) -> None:
        self._expected = tuple(expected)
        self._last: dict[str, Heartbeat | None] = dict.fromkeys(self._expected)

    def hear(
        self, name: str, level: Level, message: str, now_s: float, values: Mapping[str, str] = _NONE
    ) -> None:
        """Take in a heartbeat, with what else it says."""
        self._last[name] = Heartbeat(now_s, level, message, values)

    def values(self, now_s: float) -> dict[str, Mapping[str, str]]:
        """What else those nodes say that are not silent."""
        heard = [(name, last) for name, last in list(self._last.items()) if last]
        return {name: last.values for name, last in heard if now_s - last.heard_s <= SILENT_AFTER_S}

    def health(self, now_s: float) -> list[NodeHealth]:
        """Each node's health, expected nodes first."""
        return [_health(name, last, now_s) for name, last in list(self._last.items())]

    def away(self, now_s: float) -> list[NodeHealth]:
        """The health of those nodes that must be there and do not work: awaited, silent, or not active."""
        known = [(name, self._last[name]) for name in self._expected]
        return [_health(name, last, now_s) for name, last in known if not _works(last, now_s)]

    def silence_s(self, name: str, now_s: float) -> float | None:
        """Seconds since the node's last heartbeat; None when it never sent one."""
        last = self._last.get(name)
        return now_s - last.heard_s if last else None


def _works(last: Heartbeat | None, now_s: float) -> bool:
    if last is None or now_s - last.heard_s > SILENT_AFTER_S:
        return False
    return last.values.get(LIFECYCLE_KEY, "active") == "active"


def _health(name: str, last: Heartbeat | None, now_s: float) -> NodeHealth:
    if last is None:
        return NodeHealth(name=name, state="awaited", message="not heard of yet", age_ms=None)
    age_s = now_s - last.heard_s
    age_ms = int(age_s * 1000)
    if age_s > SILENT_AFTER_S:
        return NodeHealth(name=name, state="silent", message=f"silent for {age_s:.0f} s", age_ms=age_ms)
    return NodeHealth(name=name, state=last.level, message=last.message, age_ms=age_ms)
