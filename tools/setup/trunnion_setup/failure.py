"""The one way in which set-up stops."""

from __future__ import annotations


class SetupFailed(Exception):
    """Set-up cannot go on: says where, what was found, what was wanted and what to do next."""

    def __init__(self, where: str, got: str, wanted: str, next_step: str) -> None:
        super().__init__(f"{where}: {got}")
        self.where = where
        self.got = got
        self.wanted = wanted
        self.next_step = next_step

    def lines(self) -> list[str]:
        return [
            f"set-up stopped at: {self.where}",
            f"  got:    {self.got}",
            f"  wanted: {self.wanted}",
            f"  next:   {self.next_step}",
        ]
