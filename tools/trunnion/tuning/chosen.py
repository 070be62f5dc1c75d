"""The use case of the trial that was chosen, as a file that every command takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from trunnion_contract.strict import Strict
from trunnion_contract.tuning import UNITS
from trunnion_contract.usecase import UseCase
from trunnion_training.tuning.choice import Chosen

_YAML = (".yaml", ".yml")


def chosen_text(usecase: UseCase, chosen: Chosen, where: str) -> str:
    """The use case with the values of the trial. Paths in it are whole, so that the file may stand anywhere.

    Raises:
        BadInput: the values do not fit the use case.
    """
    with_values = usecase.varied(dict(chosen.trial.values), where)
    document = _anchored(with_values, with_values)
    figures = ", ".join(f"{name} {value:.4g} {UNITS[name]}" for name, value in chosen.trial.figures.items())
    lines = (
        f"# Trial {chosen.trial.number} of `trunnion tune`: {chosen.why}.",
        f"# {figures}.",
        yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110),
    )
    return "\n".join(lines)


def _anchored(value: Any, usecase: UseCase, name: str = "") -> Any:
    """Plain data of what a person has said, every path seen from nowhere in particular."""
    if isinstance(value, Strict):
        return {
            field.alias or key: _anchored(getattr(value, key), usecase, key)
            for key, field in type(value).model_fields.items()
            if key in value.model_fields_set and key != "tuning"
        }
    if isinstance(value, dict):
        return {key: _anchored(item, usecase) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_anchored(item, usecase) for item in value]
    is_file = name in ("base", "suite") and isinstance(value, str) and _is_file(usecase, name, value)
    if isinstance(value, Path) or is_file:
        return str(usecase.beside(value).resolve())
    return value


def _is_file(usecase: UseCase, name: str, value: str) -> bool:
    """Whether the text names a file: a base may be an architecture, a suite one that ships."""
    return usecase.beside(value).is_file() and (name == "base" or value.endswith(_YAML))
