"""Editors know suites by the committed schemas, so they have to be those that the code checks by."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trunnion_sim.conditions import Conditions
from trunnion_sim.scenarios import SHIPPED, read_suite
from trunnion_sim.stress_space import SPACES, read_space
from trunnion_sim.suite_schema import space_schema, suite_schema


@pytest.mark.parametrize(("of", "made"), [("suite", suite_schema()), ("stress", space_schema())])
def test_the_committed_schema_is_current(of: str, made: str) -> None:
    committed = (SHIPPED / f"{of}.schema.json").read_text()
    assert committed == made, f"write it anew: trunnion schema {of} > {SHIPPED}/{of}.schema.json"


def test_it_refuses_unknown_keys_and_knows_every_key_where_it_may_stand() -> None:
    schema = json.loads(suite_schema())
    assert schema["additionalProperties"] is False
    kinds = schema["$defs"]
    for kind in ("ScenarioGrid", "Grid"):
        assert kinds[kind]["additionalProperties"] is False
        assert kinds[kind]["properties"].keys() >= Conditions.model_fields.keys()
    assert kinds["Draws"]["properties"]["light"]["anyOf"][0]["$ref"].endswith("LightSampler")


@pytest.mark.parametrize("file", sorted(SHIPPED.glob("**/*.yaml")), ids=lambda file: file.stem)
def test_every_shipped_file_names_it_and_can_be_read(file: Path) -> None:
    first = file.read_text().partition("\n")[0]
    schema = file.parent / first.removeprefix("# yaml-language-server: $schema=")
    assert schema.is_file()
    made = read_space(file) if file.parent == SPACES else read_suite(file)
    assert (schema.name == "stress.schema.json") == (file.parent == SPACES)
    assert made.name.startswith(file.stem)
