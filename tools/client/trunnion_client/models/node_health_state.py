from enum import StrEnum


class NodeHealthState(StrEnum):
    AWAITED = "awaited"
    ERROR = "error"
    OK = "ok"
    SILENT = "silent"
    WARN = "warn"

    def __str__(self) -> str:
        return str(self.value)
