"""Editors know use cases by the committed schema, so it has to be the one that the code checks by."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from trunnion.usecase_schema import usecase_schema

USECASES = Path(__file__).parents[2] / "training" / "usecases"


def test_the_committed_schema_is_current(trunnion):
    answer = trunnion("schema")
    assert answer.returncode == 0
    committed = (USECASES / "usecase.schema.json").read_text()
    assert committed == answer.stdout, (
        "write it anew: trunnion schema > training/usecases/usecase.schema.json"
    )


def test_it_refuses_unknown_keys_and_describes_the_sections():
    schema = json.loads(usecase_schema())
    assert schema["additionalProperties"] is False
    assert {"data", "models", "prove", "cell"} <= schema["properties"].keys()


def test_every_shipped_use_case_names_it():
    for path in USECASES.glob("*.yaml"):
        assert path.read_text().startswith("# yaml-language-server: $schema=usecase.schema.json\n"), path.name
        assert yaml.safe_load(path.read_text())["schema"] == 1
