"""Class names of several sources made one: renamed where the use case says how, refused where they look like a slip."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from trunnion_contract.dataset import LabelledImage
from trunnion_contract.errors import BadInput

_ALIKE_MIN = 0.85
_LETTERS_MIN = 5


def renamed(items: Iterable[LabelledImage], names: Mapping[str, str | None]) -> list[LabelledImage]:
    """The images with their labels renamed."""
    if not names:
        return list(items)
    return [replace(item, labels=tuple(names.get(label) or label for label in item.labels)) for item in items]


def check_spellings(
    items: Iterable[LabelledImage], classes: Sequence[str], left_out: Iterable[str], where: str
) -> None:
    """Refuse labels that are no class of the use case, yet are spelt like one.

    Its boxes would be dropped as unknown, and a detector would learn from what is left that nothing is there.

    Raises:
        BadInput: lists each such spelling beside the class.
    """
    labels = {label for item in items for label in item.labels} - set(classes) - set(left_out)
    pairs = [(label, like) for label in sorted(labels) if (like := _alike(label, classes))]
    if pairs:
        raise BadInput(
            where=f"{where}: class names",
            got=", ".join(f"'{label}' beside '{like}'" for label, like in pairs[:8]),
            wanted="one spelling of each class in all sources",
            next_step="name it in the source's `classes`: {"
            + ", ".join(f"'{label}': {like}" for label, like in pairs[:8])
            + "}; null leaves a class out",
        )


def _alike(label: str, classes: Sequence[str]) -> str | None:
    plain = {_plain(name): name for name in classes}
    found = plain.get(_plain(label))
    if found is None and len(_plain(label)) >= _LETTERS_MIN:
        near = difflib.get_close_matches(_plain(label), plain, n=1, cutoff=_ALIKE_MIN)
        found = plain[near[0]] if near else None
    return found


def _plain(name: str) -> str:
    """A name without case, separators and the ending of a plural."""
    return re.sub(r"[\W_]+", "", name.casefold()).removesuffix("s")
