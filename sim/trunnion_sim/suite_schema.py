"""The JSON Schemas of suites and of stress spaces: editors complete and check the files with them."""

from __future__ import annotations

import json

from trunnion_contract.strict import Strict


def json_schema(kind: type[Strict], title: str) -> str:
    """The schema of a kind of file, as it is committed beside the files."""
    schema = kind.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = title
    return json.dumps(schema, indent=2) + "\n"


def suite_schema() -> str:
    """What `scenarios/*.yaml` are checked by."""
    from trunnion_sim.scenarios import SuiteFile

    return json_schema(SuiteFile, "Trunnion suite")


def space_schema() -> str:
    """What `scenarios/stress/*.yaml` are checked by."""
    from trunnion_sim.stress_space import StressSpace

    return json_schema(StressSpace, "Trunnion stress space")
