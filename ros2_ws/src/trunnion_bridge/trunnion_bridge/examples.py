"""Examples for every request and answer in JSON, put together from those of the fields, so that none is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_JSON = ("application/json", "application/problem+json")
_TEXTS = {
    "date-time": "2026-11-30T09:45:00Z",
    "uri": "https://erp.example/hooks/orders",
    "binary": "",
}
Schema = dict[str, Any]


def with_examples(description: dict[str, Any]) -> None:
    """Give each JSON body of an OpenAPI description an example, where it has none."""
    schemas = description.get("components", {}).get("schemas", {})
    for methods in description["paths"].values():
        for operation in methods.values():
            for body in (operation.get("requestBody", {}), *operation["responses"].values()):
                for media_type, content in body.get("content", {}).items():
                    if media_type in _JSON and content.get("schema"):
                        content.setdefault("example", example_of(content["schema"], schemas))


def example_of(schema: Schema, schemas: dict[str, Schema]) -> Any:
    """A value that fits `schema`; `schemas` are those that it may refer to by name."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    for said in _said(schema):
        return said
    kind = schema.get("type")
    if kind == "object":
        return _object(schema, schemas)
    if kind == "array":
        return _array(schema, schemas)
    if kind == "string":
        return _TEXTS.get(schema.get("format", ""), "text")
    if kind in ("integer", "number"):
        return _number(schema, kind)
    if "anyOf" in schema or "oneOf" in schema:
        choices = schema.get("anyOf") or schema["oneOf"]
        return example_of(next(choice for choice in choices if choice.get("type") != "null"), schemas)
    return kind == "boolean"


def _said(schema: Schema) -> Iterator[Any]:
    """What the schema itself says, if anything, the best first."""
    yield from schema.get("examples", [])[:1]
    if "const" in schema:
        yield schema["const"]
    if schema.get("default") is not None:
        yield schema["default"]
    yield from schema.get("enum", [])[:1]


def _object(schema: Schema, schemas: dict[str, Schema]) -> dict[str, Any]:
    """Every property; of a mapping one entry."""
    properties = schema.get("properties", {})
    if not properties and isinstance(schema.get("additionalProperties"), dict):
        return {"name": example_of(schema["additionalProperties"], schemas)}
    return {name: example_of(part, schemas) for name, part in properties.items()}


def _array(schema: Schema, schemas: dict[str, Schema]) -> list[Any]:
    if "prefixItems" in schema:
        return [example_of(item, schemas) for item in schema["prefixItems"]]
    return [example_of(schema["items"], schemas)]


def _number(schema: Schema, kind: str) -> int | float:
    low = schema["exclusiveMinimum"] + 1 if "exclusiveMinimum" in schema else schema.get("minimum", 0)
    value = max(low, min(1, schema.get("maximum", 1)))
    return int(value) if kind == "integer" else float(value)
