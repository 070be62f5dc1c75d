"""The base of every contract: frozen, no unknown keys, errors that say what was meant."""

from __future__ import annotations

import difflib
import json
from collections.abc import Hashable
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from trunnion_contract.errors import BadInput

UNITS = {
    "m": "metres",
    "mps": "metres per second",
    "mps2": "metres per second squared",
    "px": "pixels",
    "deg": "degrees",
    "rad": "radians",
    "s": "seconds",
    "ms": "milliseconds",
    "ns": "nanoseconds",
    "hz": "hertz",
    "days": "days",
}
# What a user can mend most easily comes first: a misspelt key explains the missing one beside it.
_ORDER = ("extra_forbidden", "union_tag_invalid", "union_tag_not_found")
_MESSAGES = ("Value error, ", "Input should be ")


class Strict(BaseModel):
    """A contract: valid once built, never changed afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())


Contract = TypeVar("Contract", bound=Strict)


def without_empty(plain: dict[str, Any], *names: str) -> dict[str, Any]:
    """Plain data without those of `names` that hold nothing.

    A field that came later stays out of what has none, so that digests and bytes made before it still hold.
    """
    return {key: value for key, value in plain.items() if key not in names or value}


def parse(kind: type[Contract], value: Any, where: str) -> Contract:
    """Build a `kind` from plain data.

    Raises:
        BadInput: names the key, what stood there, and what was wanted; unknown keys come with the nearest known one.
    """
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise _bad_input(kind, value, error, where) from None


def parse_json(kind: type[Contract], text: str | bytes, where: str) -> Contract:
    """Build a `kind` from JSON text, naming the line where it is no JSON."""
    return parse(kind, json_value(text, where), where)


def json_value(text: str | bytes, where: str) -> Any:
    """The plain data in JSON text."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise _not_json(f"{where}:{error.lineno}", error.msg) from None
    except RecursionError:
        raise _not_json(where, "values nested without end") from None
    except ValueError as error:
        raise _not_json(where, str(error)) from None


def read_json(kind: type[Contract], path: Path) -> Contract:
    """Read a `kind` from a JSON file."""
    return parse_json(kind, read_file(path), str(path))


def read_yaml(path: Path) -> Any:
    """Read one YAML document; what is not YAML, or a key that occurs twice, is refused with its line."""
    text = read_file(path)
    try:
        return _finite(yaml.load(text, _UniqueKeys))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        problem = getattr(error, "problem", None) or "text that is not YAML"
        raise BadInput(where=where, got=problem, wanted="YAML", next_step="mend that line") from None
    except (RecursionError, ValueError) as error:
        problem = "values nested without end" if isinstance(error, RecursionError) else str(error)
        raise BadInput(where=str(path), got=problem, wanted="YAML", next_step="mend that value") from None


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


class _UniqueKeys(yaml.SafeLoader):
    """YAML lets the last of two equal keys win in silence; a person who wrote both wants to know."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen and key.value != "<<":
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key.value}' for the second time", key.start_mark
                )
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else "")
        return super().construct_mapping(node, deep)


def _finite(value: Any, above: tuple[int, ...] = ()) -> Any:
    """`value`, unless it holds itself, which YAML's anchors allow."""
    if id(value) in above:
        raise ValueError("an anchor that refers to itself")
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            _finite(item, (*above, id(value)))
    return value


def _not_json(where: str, got: str) -> BadInput:
    return BadInput(where=where, got=got, wanted="JSON", next_step="make the file again")


def _bad_input(kind: type[Strict], value: Any, error: ValidationError, where: str) -> BadInput:
    problems = sorted(error.errors(), key=lambda problem: _rank(problem["type"]))
    first = problems[0]
    key = ".".join(_path_in(value, first))
    place = f"{where}: {key or 'top level'}"
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    if first["type"] == "extra_forbidden":
        return _unknown_key(kind, first, place, more)
    if first["type"] in ("union_tag_invalid", "union_tag_not_found"):
        return _unknown_kind(first, place, more)
    return BadInput(
        where=place,
        got=("nothing" if first["type"] == "missing" else _short(first["input"])) + more,
        wanted=_wanted(kind, first, key),
        next_step="correct the key and run the same command again",
    )


def _rank(problem_type: str) -> int:
    return _ORDER.index(problem_type) if problem_type in _ORDER else len(_ORDER)


def _path_in(value: Any, problem: ErrorDetails) -> list[str]:
    """The keys that lead to the problem, without the marks that pydantic adds for unions and validators."""
    path: list[str] = []
    for part in problem["loc"]:
        inside = isinstance(value, list | tuple) and isinstance(part, int) and part < len(value)
        if (isinstance(value, dict) and part in value) or inside:
            value = value[part]
            path.append(str(part))
    missing = problem["type"] == "missing"
    return [*path, str(problem["loc"][-1])] if missing else path


def _wanted(kind: type[Strict], problem: ErrorDetails, key: str) -> str:
    if problem["type"] == "missing":
        return "this key" + _unit(key)
    if problem["type"] in ("model_type", "model_attributes_type", "dict_type"):
        return "keys with values"
    message = problem["msg"].partition(", unable to parse")[0]
    for prefix in _MESSAGES:
        message = message.removeprefix(prefix)
    message = message if message.startswith("`") else message[:1].lower() + message[1:]
    return message + _unit(key)


def _unit(key: str) -> str:
    """The unit that the name of a key promises, as in `speed_max_mps`."""
    names = [part for part in key.split(".") if not part.isdigit()]
    unit = UNITS.get(names[-1].rpartition("_")[2]) if names and "_" in names[-1] else None
    return f", in {unit}" if unit else ""


def _unknown_key(kind: type[Strict], problem: ErrorDetails, place: str, more: str) -> BadInput:
    *parents, key = (str(part) for part in problem["loc"])
    known = sorted(_known_keys(kind, parents))
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    return BadInput(
        where=place,
        got=f"an unknown key '{key}'{more}",
        wanted=f"'{near[0]}'{_unit(near[0])}" if near else f"one of {', '.join(known)}",
        next_step=f"did you mean '{near[0]}'?" if near else "remove the key or correct its name",
    )


def _unknown_kind(problem: ErrorDetails, place: str, more: str) -> BadInput:
    """A union whose members are told apart by a key, such as `kind`."""
    context = problem.get("ctx", {})
    name = context.get("discriminator", "'kind'").strip("'")
    got = context.get("tag")
    kinds = [tag.strip(" '") for tag in context.get("expected_tags", "").split(",")] if got else []
    near = difflib.get_close_matches(str(got), kinds, n=1, cutoff=0.5)
    return BadInput(
        where=f"{place}.{name}",
        got=(repr(got) if got else "nothing") + more,
        wanted=f"one of {', '.join(kinds)}" if kinds else "this key, which says how to read the others",
        next_step=f"did you mean '{near[0]}'?" if near else "correct the key and run the same command again",
    )


def _known_keys(kind: Any, parents: list[str]) -> set[str]:
    """The keys of the model that `parents` lead to."""
    models = _models_in(kind)
    for parent in parents:
        models = _step(models, parent) or models
    return {field.alias or name for model in models for name, field in model.model_fields.items()}


def _step(models: set[type[Strict]], parent: str) -> set[type[Strict]]:
    """The models under the key `parent`, or the one member of a union that `parent` is the tag of.

    List positions and dictionary keys lead nowhere: they stay on the same models.
    """
    annotations = [
        field.annotation for m in models for name, field in m.model_fields.items() if name == parent
    ]
    fields = {model for annotation in annotations for model in _models_in(annotation)}
    return fields or {m for m in models if len(models) > 1 and parent in _tags(m)}


def _tags(model: type[Strict]) -> tuple[Any, ...]:
    field = model.model_fields.get("kind")
    return get_args(field.annotation) if field else ()


def _models_in(annotation: Any) -> set[type[Strict]]:
    if isinstance(annotation, type) and issubclass(annotation, Strict):
        return {annotation}
    return {model for argument in get_args(annotation) for model in _models_in(argument)}


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
