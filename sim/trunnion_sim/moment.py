"""One period of an episode as it is shown to who looks on: told in lines, kept in a log, seen in a film or a window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trunnion_sim.drawing import Image


@dataclass(frozen=True)
class Moment:
    """A period before anything moves in it; what it costs to look is paid by who looks.

    Attributes:
        now_s: since the episode began.
        phase, message: what the executive is at; empty where a policy plays without one.
        state: gives what a log keeps of it, as plain data.
        picture: gives what a camera sees, uint8 [h, w, 3], BGR; None where nothing is drawn.
    """

    now_s: float
    phase: str
    message: str
    state: Callable[[], dict[str, object]]
    picture: Callable[[], Image | None]


Watch = Callable[[Moment], None]
