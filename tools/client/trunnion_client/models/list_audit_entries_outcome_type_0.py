from enum import StrEnum


class ListAuditEntriesOutcomeType0(StrEnum):
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    UNCHANGED = "unchanged"

    def __str__(self) -> str:
        return str(self.value)
