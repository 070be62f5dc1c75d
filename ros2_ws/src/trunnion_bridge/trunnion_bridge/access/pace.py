"""How fast and how often a caller may ask: a token bucket for each, and a bound on streams."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

from trunnion_bridge.access.bucket import Bucket, Buckets
from trunnion_bridge.access.limits import Limits
from trunnion_bridge.problem import Refused

_FAILURES_PER_S = 20.0
_FAILURES_AT_ONCE = 200.0


class Pace:
    """Lives on the event loop; what it keeps of callers is bounded."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._requests = Buckets(limits.rate_per_s, 2 * limits.rate_per_s, clock=clock)
        self._failures = Buckets(_FAILURES_PER_S, _FAILURES_AT_ONCE, clock=clock)
        self._streams: Counter[Hashable] = Counter()

    def check(self, caller: Hashable) -> None:
        """Count a request. Raises Refused, `too-many-requests`."""
        _take(self._requests.of(caller), f"{self._limits.rate_per_s:g} requests a second")

    def failed(self, address: Hashable) -> None:
        """Count one whose caller is not known. Raises Refused, `too-many-requests`."""
        _take(
            self._failures.of(address), f"{_FAILURES_PER_S:g} requests a second of callers who are not known"
        )

    @contextmanager
    def stream(self, caller: Hashable) -> Iterator[None]:
        """Count a stream for as long as the block lasts.

        Raises:
            Refused: `too-many-streams`.
        """
        if self._streams[caller] >= self._limits.streams_max:
            raise _too_many_streams(self._streams[caller])
        self._streams[caller] += 1
        try:
            yield
        finally:
            self._streams[caller] -= 1
            if not self._streams[caller]:
                del self._streams[caller]


def _take(bucket: Bucket, wanted: str) -> None:
    if not bucket.take():
        raise Refused(
            "too-many-requests",
            where="this caller",
            got="more requests than that",
            wanted=f"at most {wanted}, twice as many at once",
            next_step="wait as long as Retry-After says, then go on more slowly",
            headers={"Retry-After": str(max(1, math.ceil(bucket.wait_s())))},
        )


def _too_many_streams(streams: int) -> Refused:
    return Refused(
        "too-many-streams",
        where="this caller",
        got=f"{streams} streams that are open",
        wanted="fewer",
        next_step="close some that are no longer listened to",
        headers={"Retry-After": "5"},
    )
