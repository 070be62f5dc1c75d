"""The description of the API is whole: names for generators, examples that fit, problems as what they are."""

from __future__ import annotations

import keyword

import jsonschema_rs
import pytest

from trunnion_bridge.api import description
from trunnion_bridge.examples import example_of

SAID = description()
OPERATIONS = [
    (f"{method.upper()} {path}", operation)
    for path, methods in SAID["paths"].items()
    for method, operation in methods.items()
]


@pytest.fixture(params=OPERATIONS, ids=lambda named: named[0])
def operation(request):
    return request.param[1]


def bodies(operation):
    asked = operation.get("requestBody", {}).get("content", {})
    answered = [answer.get("content", {}) for answer in operation["responses"].values()]
    for content in (asked, *answered):
        yield from content.items()


def test_it_is_openapi_3_1():
    assert SAID["openapi"].startswith("3.1.")


def test_operations_have_names_of_their_own_that_a_generator_can_use():
    names = [operation["operationId"] for _, operation in OPERATIONS]
    assert len(set(names)) == len(names) > 30
    assert [name for name in names if not name.isidentifier() or keyword.iskeyword(name)] == []
    assert [name for name in names if name != name.lower()] == []


def test_an_operation_says_what_it_does_and_to_which_part_it_belongs(operation):
    assert operation["description"]
    assert len(operation["tags"]) == 1


def test_bodies_in_json_have_examples_that_fit(operation):
    for media_type, content in bodies(operation):
        if media_type.endswith("json"):
            schema = {**content["schema"], "components": SAID["components"]}
            jsonschema_rs.Draft202012Validator(schema).validate(content["example"])


def test_errors_are_problems(operation):
    for code in ("4XX", "5XX"):
        content = operation["responses"][code]["content"]
        assert list(content) == ["application/problem+json"]
        assert content["application/problem+json"]["schema"] == {"$ref": "#/components/schemas/Problem"}


@pytest.mark.parametrize(
    ("schema", "example"),
    [
        ({"type": "string"}, "text"),
        ({"type": "string", "examples": ["gear", "bolt"]}, "gear"),
        ({"type": "integer", "minimum": 3}, 3),
        ({"type": "number", "maximum": 0.5}, 0.5),
        ({"enum": ["queued", "running"]}, "queued"),
        ({"anyOf": [{"type": "null"}, {"type": "boolean"}]}, True),
        ({"type": "array", "prefixItems": [{"type": "integer"}, {"const": "x"}]}, [1, "x"]),
        (
            {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/Part"}},
            {"name": {"n": 2}},
        ),
    ],
)
def test_an_example_is_made_of_what_the_schema_says(schema, example):
    part = {"type": "object", "properties": {"n": {"type": "integer", "examples": [2]}}}
    assert example_of(schema, {"Part": part}) == example
