"""Words like `gear=2` on the command line."""

from __future__ import annotations

from collections.abc import Iterable

from trunnion_contract.errors import BadInput


def assignments(words: Iterable[str], where: str) -> dict[str, str]:
    """Name to value, in the order given.

    Raises:
        BadInput: a word without `=`, without a name, or with a name that came before.
    """
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not (name and equals):
            raise BadInput(
                where=where, got=f"'{word}'", wanted="NAME=VALUE", next_step="write it without spaces"
            )
        if name in found:
            raise BadInput(
                where=where, got=f"'{name}' twice", wanted="each name once", next_step="keep one of them"
            )
        found[name] = value
    return found
