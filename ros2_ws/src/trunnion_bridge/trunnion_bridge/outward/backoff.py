"""When a delivery that failed is tried again."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """5 s, twice as much after each failure, at most three hours, a fifth more or less; given up after a day or so."""

    first_s: float = 5.0
    wait_max_s: float = 3 * 3600.0
    attempts_max: int = 19
    jitter: float = 0.2

    def wait_s(self, attempts: int, rng: random.Random, asked_s: float | None = None) -> float | None:
        """Seconds until the next attempt after `attempts` failed ones; None when it is given up.

        Args:
            asked_s: what the receiver said in `Retry-After`; it may lengthen the wait.
        """
        if attempts >= self.attempts_max:
            return None
        wait_s = min(self.first_s * 2.0 ** (attempts - 1), self.wait_max_s)
        wait_s *= rng.uniform(1 - self.jitter, 1 + self.jitter)
        return max(wait_s, min(asked_s or 0.0, self.wait_max_s))
