"""The base of every contract: frozen, no unknown keys, errors that say what was meant."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from trunnion_contract.errors import BadInput


class Strict(BaseModel):
    """A contract: valid once built, never changed afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())


Contract = TypeVar("Contract", bound=Strict)


def parse(kind: type[Contract], value: Any, where: str) -> Contract:
    """Build a `kind` from plain data.

    Raises:
        BadInput: names the key, what stood there, and what was wanted; unknown keys come with the nearest known one.
    """
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise _bad_input(kind, error, where) from None


def read_yaml(path: Path) -> Any:
    """Read one YAML document, refusing what is not YAML with the line where it goes wrong."""
    try:
        return yaml.safe_load(read_file(path))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        problem = getattr(error, "problem", None) or "text that is not YAML"
        raise BadInput(where=where, got=problem, wanted="YAML", next_step="mend that line") from None


def read_json(kind: type[Contract], path: Path) -> Contract:
    """Read a `kind` from a JSON file."""
    try:
        value = json.loads(read_file(path))
    except json.JSONDecodeError as error:
        where = f"{path}:{error.lineno}"
        raise BadInput(where=where, got=error.msg, wanted="JSON", next_step="make the file again") from None
    return parse(kind, value, str(path))


def read_file(path: Path) -> str:
    """Read a text file a user named."""
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        next_step = "check the path; relative paths start where the command was started"
        raise BadInput(where=str(path), got="no such file", wanted="a file", next_step=next_step) from None
    except IsADirectoryError:
        raise BadInput(where=str(path), got="a folder", wanted="a file", next_step="name the file") from None
    except UnicodeDecodeError:
        raise BadInput(
            where=str(path), got="bytes that are not text", wanted="UTF-8 text", next_step="check the path"
        ) from None


def _bad_input(kind: type[Strict], error: ValidationError, where: str) -> BadInput:
    problems = error.errors()
    first = problems[0]
    key = ".".join(str(part) for part in first["loc"] if not str(part).startswith("function-"))
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    if first["type"] == "extra_forbidden":
        return _unknown_key(kind, first, f"{where}: {key}", more)
    return BadInput(
        where=f"{where}: {key or 'top level'}",
        got=("nothing" if first["type"] == "missing" else _short(first["input"])) + more,
        wanted=first["msg"].removeprefix("Value error, ").removeprefix("Input should be ").lower(),
        next_step="correct the key and run the same command again",
    )


def _unknown_key(kind: type[Strict], problem: ErrorDetails, where: str, more: str) -> BadInput:
    *parents, key = (str(part) for part in problem["loc"])
    known = sorted(_known_keys(kind, parents))
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    return BadInput(
        where=where,
        got=f"an unknown key '{key}'{more}",
        wanted=f"'{near[0]}'" if near else f"one of {', '.join(known)}",
        next_step=f"did you mean '{near[0]}'?" if near else "remove the key or correct its name",
    )


def _known_keys(kind: Any, parents: list[str]) -> set[str]:
    """The field names of the model that `parents` lead to; a union (by a `kind` tag) gives those of all its members."""
    models = _models_in(kind)
    for parent in parents:
        step = {m for model in models if parent in model.model_fields for m in _models_in(model.model_fields[parent].annotation)}
        # List positions, dictionary keys and union tags stay on the same models.
        models = step or models
    return {name for model in models for name in model.model_fields}


def _models_in(annotation: Any) -> set[type[Strict]]:
    if isinstance(annotation, type) and issubclass(annotation, Strict):
        return {annotation}
    return {model for argument in get_args(annotation) for model in _models_in(argument)}


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
