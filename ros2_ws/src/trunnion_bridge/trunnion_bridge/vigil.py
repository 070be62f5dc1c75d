"""When the sorter was last there and last said something of an order, on the clock of a process that may sleep."""

from __future__ import annotations

_ASLEEP_S = 2.0


class Vigil:
    """What is missed while this process is stopped is not laid at the sorter's door."""

    def __init__(self, now_s: float, quiet_max_s: float) -> None:
        self._here_s = self._news_s = self._looked_s = self._asked_s = now_s
        self._awake_s = float("-inf")
        self._quiet_max_s = self._ask_every_s = quiet_max_s

    def look(self, now_s: float, is_here: bool, has_news: bool) -> None:
        """Take in what there is; called several times a second."""
        if now_s - self._looked_s > _ASLEEP_S:
            self._here_s = self._news_s = self._awake_s = now_s
        self._looked_s = now_s
        if is_here:
            self._here_s = now_s
        if has_news:
            self._news_s, self._ask_every_s = now_s, self._quiet_max_s

    def away_s(self) -> float:
        """How long its action server has been gone."""
        return self._looked_s - self._here_s

    def quiet_s(self) -> float:
        """How long it has said nothing of the order."""
        return self._looked_s - self._news_s

    def silent_s(self, silence_s: float) -> float:
        """How much of its heartbeat's silence counts: not while this process slept, nor before news of the order."""
        return min(silence_s, self._looked_s - self._awake_s, self.quiet_s())

    def wants_to_ask(self) -> bool:
        """Whether it is time to ask; less and less often. A sorter that was started anew knows nothing of the order."""
        if self._looked_s - max(self._asked_s, self._news_s) < self._ask_every_s:
            return False
        self._asked_s = self._looked_s
        self._ask_every_s *= 2
        return True
