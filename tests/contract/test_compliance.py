"""Compliance: what the rules forbid is refused, with the source and the rule."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from trunnion_contract.compliance import Compliance, check, check_sources
from trunnion_contract.data_sources import Data, Provenance
from trunnion_contract.errors import BadInput

TODAY = date(2026, 12, 1)


def provenance(**more: Any) -> Provenance:
    return Provenance.model_validate({"origin": "a plant", "licence": "MIT", "personal_data": "none", **more})


def test_without_rules_anything_goes_that_is_kept_in_time() -> None:
    check(provenance(licence="unknown", personal_data="yes"), None, "here", TODAY)
    check(provenance(acquired="2026-11-01", retention_days=30), None, "here", TODAY)


@pytest.mark.parametrize(
    ("said", "rules", "message"),
    [
        ({}, {"licences": ["Apache-2.0", "CC0-1.0"]}, r"licence MIT, wanted one of Apache.*\(compliance\.licences\)"),
        ({"personal_data": "yes"}, {"personal_data_max": "incidental"}, r"compliance\.personal_data_max"),
        ({"personal_data": "incidental"}, {"consent_for": "incidental"}, r"not needed.*compliance\.consent_for"),
        ({"personal_data": "yes", "consent": "not given"}, {"consent_for": "yes"}, r"consent: not given"),
        ({}, {"retention_max_days": 30}, r"no retention_days, wanted at most 30 \(compliance\.retention_max_days\)"),
        ({"retention_days": 31, "acquired": "2026-11-30"}, {"retention_max_days": 30}, r"31, wanted at most 30"),
        ({"retention_days": 30}, {}, r"retention_days without `acquired`"),
        ({"retention_days": 29, "acquired": "2026-11-01"}, {}, r"retention ended on 2026-11-30.*trunnion data expire"),
    ],
)  # fmt: skip
def test_each_rule_refuses_what_breaks_it(said: dict[str, Any], rules: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        check(provenance(**said), Compliance.model_validate(rules), "here", TODAY)


def test_what_keeps_to_every_rule_passes() -> None:
    rules = Compliance(
        licences=("mit",), personal_data_max="yes", consent_for="incidental", retention_max_days=365
    )
    said = provenance(
        personal_data="yes", consent="Given: form 12", acquired="2026-11-01", retention_days=365
    )
    check(said, rules, "here", TODAY)


def test_the_source_is_named() -> None:
    source = {"kind": "simulation", "images": 1, "seed": 0, "provenance": provenance().model_dump()}
    data = Data.model_validate({"sources": [source], "split": {"train": 0.5, "val": 0.25, "test": 0.25}})
    with pytest.raises(BadInput, match=r"data\.sources\.0 \(simulation: a plant\)"):
        check_sources(data, Compliance(licences=("CC0-1.0",)), TODAY)
