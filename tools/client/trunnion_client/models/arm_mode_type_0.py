from enum import StrEnum


class ArmModeType0(StrEnum):
    HOLD = "hold"
    MOVE = "move"
    POLICY = "policy"

    def __str__(self) -> str:
        return str(self.value)
