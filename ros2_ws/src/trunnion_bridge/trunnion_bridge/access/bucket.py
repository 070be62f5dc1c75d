"""Token buckets: so many at once, so many a second."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable


class Bucket:
    """Holds `at_once` tokens when full, and fills by `per_s` a second; `clock` only grows."""

    def __init__(self, per_s: float, at_once: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_s
        self._at_once = at_once
        self._clock = clock
        self._tokens = at_once
        self._since_s = clock()

    def take(self) -> bool:
        """Take a token, if there is one."""
        self._fill()
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

    def wait_s(self) -> float:
        """How long until there is one."""
        self._fill()
        return max(0.0, (1.0 - self._tokens) / self._per_s)

    def _fill(self) -> None:
        now_s = self._clock()
        self._tokens = min(self._at_once, self._tokens + (now_s - self._since_s) * self._per_s)
        self._since_s = now_s


class Buckets:
    """A bucket for each caller; of more than `kept_max` the ones that were used longest ago are forgotten."""

    def __init__(
        self,
        per_s: float,
        at_once: float,
        kept_max: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = (per_s, at_once, clock)
        self._kept_max = kept_max
        self._buckets: OrderedDict[Hashable, Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def of(self, caller: Hashable) -> Bucket:
        """The caller's bucket."""
        bucket = self._buckets.get(caller)
        if bucket is None:
            bucket = self._buckets[caller] = Bucket(*self._limits)
            if len(self._buckets) > self._kept_max:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(caller)
        return bucket
