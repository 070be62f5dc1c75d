"""What was wrong with the data, and what was done about it: nothing is dropped without a line here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing found in one file.

    Attributes:
        file: the file, relative to its source.
        what: the kind of finding, one of a few phrases that can be counted.
        done: what became of it.
        detail: the values that were found.
    """

    file: str
    what: str
    done: str
    detail: str = ""


def counted(findings: Iterable[Finding]) -> dict[str, int]:
    """How often each kind of finding occurs."""
    return dict(sorted(Counter(finding.what for finding in findings).items()))
