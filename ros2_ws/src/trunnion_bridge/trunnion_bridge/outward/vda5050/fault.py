"""Why a message is not taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trunnion_bridge.outward.vda5050.dialect import Dialect, Fault


class Rejected(Exception):
    """An order or an instant action that is not taken; `references` name what it was."""

    def __init__(self, fault: Fault, words: str, references: Mapping[str, str]) -> None:
        super().__init__(words)
        self.fault = fault
        self.references = dict(references)

    def error(self, dialect: Dialect) -> dict[str, Any]:
        """As it stands in `errors` of the state."""
        return error(dialect.errors[self.fault], str(self), self.references)


def error(kind: str, words: str, references: Mapping[str, str]) -> dict[str, Any]:
    """An entry of `errors`: something that hinders no other order."""
    listed = [{"referenceKey": key, "referenceValue": value} for key, value in references.items()]
    return {
        "errorType": kind,
        "errorLevel": "WARNING",
        "errorDescription": ascii(words)[1:-1],
        "errorReferences": listed,
    }
