"""What a trial takes of the machines."""

from __future__ import annotations

from dataclasses import dataclass

# Ray wants a trial to hold something; of memory, in bytes, every machine has enough.
_NEXT_TO_NOTHING = {"memory": 1.0}


@dataclass(frozen=True)
class Room:
    """Cores of each trial.

    Attributes:
        held: by the trial itself, on one machine.
        used: by the trial or by workers that it hands its work on to.
    """

    held: int
    used: int

    @property
    def resources(self) -> dict[str, float]:
        """What Ray Tune is asked for."""
        return {"cpu": float(self.held)} if self.held else {"cpu": 0.0, **_NEXT_TO_NOTHING}
