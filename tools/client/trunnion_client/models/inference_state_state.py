from enum import StrEnum


class InferenceStateState(StrEnum):
    FAILED = "failed"
    IDLE = "idle"
    LOADING = "loading"
    READY = "ready"

    def __str__(self) -> str:
        return str(self.value)
