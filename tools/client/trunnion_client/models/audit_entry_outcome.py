from enum import StrEnum


class AuditEntryOutcome(StrEnum):
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    UNCHANGED = "unchanged"

    def __str__(self) -> str:
        return str(self.value)
