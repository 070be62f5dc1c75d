"""What Ctrl-C becomes once it is known what was stopped by it."""

from __future__ import annotations


class Stopped(Exception):
    """A person stopped the flow in `stage`. No KeyboardInterrupt, because those typer takes for itself."""

    def __init__(self, stage: str) -> None:
        super().__init__(stage)
        self.stage = stage
