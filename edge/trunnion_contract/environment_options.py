"""What an environment is made with: options that the use case names, the environment knows and the export carries."""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Callable, Mapping
from pkgutil import resolve_name
from typing import Annotated, Any, Final

from pydantic import AfterValidator, WithJsonSchema

from trunnion_contract.cell import CellLayout
from trunnion_contract.errors import BadInput

_LAYOUT: Final = "layout"
# The cell has a section of its own, and whoever plays decides whether it is looked at.
_NOT_FOR_A_USE_CASE: Final = (_LAYOUT, "render_mode")


def _is_plain(value: Any) -> Any:
    if isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise ValueError("a number, a text, true or false")


Option = Annotated[Any, AfterValidator(_is_plain), WithJsonSchema({"type": ["boolean", "number", "string"]})]
EnvOptions = dict[str, Option]
EntryPoint = str | Callable[..., Any] | None


def creation_arguments(
    entry_point: EntryPoint, env_id: str, options: Mapping[str, Any], cell: CellLayout | None = None
) -> dict[str, Any]:
    """What to give `gymnasium.make` beside the id: the options, and the cell where the environment takes a `layout`.

    Args:
        entry_point: what the environment is registered with.

    Raises:
        BadInput: the environment does not take one of the options.
    """
    parameters = _parameters(entry_point)
    named = {one.name for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)}
    takes_others = any(one.kind is one.VAR_KEYWORD for one in parameters)
    known = sorted(named - set(_NOT_FOR_A_USE_CASE))
    for name in options:
        if name not in known and (name in _NOT_FOR_A_USE_CASE or not takes_others):
            raise _unknown(name, env_id, known)
    return {**options, **({_LAYOUT: cell} if cell and takes_a_cell(entry_point) else {})}


def takes_a_cell(entry_point: EntryPoint) -> bool:
    """Whether the environment can be made as another cell than its own."""
    return _LAYOUT in [one.name for one in _parameters(entry_point)]


def _parameters(entry_point: EntryPoint) -> list[inspect.Parameter]:
    create = resolve_name(entry_point) if isinstance(entry_point, str) else entry_point
    return list(inspect.signature(create).parameters.values()) if create else []


def _unknown(name: str, env_id: str, known: list[str]) -> BadInput:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return BadInput(
        where=f"models.policy.env_options of {env_id}",
        got=f"an unknown option '{name}'",
        wanted=f"one of {', '.join(known)}" if known else "none, because the environment takes none",
        next_step=f"did you mean '{near[0]}'?" if near else "remove the option or correct its name",
    )
