"""Text from strangers: in UTF-8, in UTF-16 or UTF-32 as some editors write it, else in Latin-1, which any bytes are."""

from __future__ import annotations

import codecs
from pathlib import Path

from trunnion_training.findings import Finding

LATIN_1 = "latin-1"
# UTF-32's mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decoded(data: bytes) -> tuple[str, str]:
    """The text, and the encoding that it was read by."""
    for encoding in (*_by_mark(data), "utf-8"):
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    return data.decode(LATIN_1), LATIN_1


def read_text(path: Path, bytes_max: int) -> tuple[str, list[Finding]]:
    """The first `bytes_max` of a file as text, and a finding where its encoding is a guess."""
    with path.open("rb") as file:
        text, encoding = decoded(file.read(bytes_max))
    guessed = encoding == LATIN_1
    return text, [Finding(path.name, "text that is not UTF-8", "read as Latin-1")] if guessed else []


def _by_mark(data: bytes) -> list[str]:
    marked = [encoding for mark, encoding in _MARKS if data.startswith(mark)]
    if marked:
        return marked[:1]
    # Without a mark, the zero half of an ASCII character tells.
    return ["utf-16-le"] if data[1:2] == b"\0" else ["utf-16-be"] if data[:1] == b"\0" else []
