"""The JSON Schema of use-case files: editors complete and check them with it."""

from __future__ import annotations

import json

from trunnion_contract.usecase import UseCase


def usecase_schema() -> str:
    """The schema as it is committed beside the use cases."""
    schema = UseCase.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Trunnion use case"
    return json.dumps(schema, indent=2) + "\n"
