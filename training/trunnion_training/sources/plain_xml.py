"""XML from strangers: elements and text only. A document type is refused: entities name files, and explode."""

from __future__ import annotations

from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

DEPTH_MAX = 64


class NotPlain(ValueError):
    """The text is not XML, or holds more than elements and text."""


def parse_plain_xml(data: bytes, encoding: str | None = None) -> Element:
    """The root element of an XML document, in the encoding that it declares unless one is given.

    Raises:
        NotPlain: it is not well-formed, declares a document type or entities, or nests deeper than any annotation.
    """
    builder = TreeBuilder()
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > DEPTH_MAX:
            raise NotPlain(f"more than {DEPTH_MAX} levels")
        builder.start(name, attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(name)

    def refuse(*_: object) -> None:
        raise NotPlain("a document type declaration")

    parser = expat.ParserCreate(encoding)
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = (
        start,
        end,
        builder.data,
    )
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
        return builder.close()
    except (expat.ExpatError, AssertionError, UnicodeError, LookupError, ValueError) as error:
        raise NotPlain(str(error)) from None
