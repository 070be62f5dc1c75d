from enum import StrEnum


class RobotDoing(StrEnum):
    AWAY = "away"
    IDLE = "idle"
    SORTING = "sorting"
    WAITING = "waiting"

    def __str__(self) -> str:
        return str(self.value)
