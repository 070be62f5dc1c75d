"""The factsheet says what the cell takes, with every field that its version wants."""

from __future__ import annotations

import pytest

from trunnion_bridge.catalogue import read_catalogue
from trunnion_bridge.outward.vda5050.dialect import V2, V3
from trunnion_bridge.outward.vda5050.factsheet import factsheet_of
from trunnion_bridge.outward.vda5050.messages import InstantActions, OrderMessage

# What the schemas of the two versions want.
WANTED = {
    V2: {
        "typeSpecification": {
            "seriesName", "agvKinematic", "agvClass", "maxLoadMass", "localizationTypes", "navigationTypes"
        },
        "physicalParameters": {
            "speedMin", "speedMax", "accelerationMax", "decelerationMax", "heightMax", "width", "length"
        },
        "protocolLimits": {"maxStringLens", "maxArrayLens", "timing"},
        "protocolFeatures": {"optionalParameters", "agvActions"},
        "agvGeometry": set(),
        "loadSpecification": set(),
    },
    V3: {
        "typeSpecification": {
            "seriesName", "mobileRobotKinematic", "mobileRobotClass", "maximumLoadMass", "localizationTypes",
            "navigationTypes",
        },
        "physicalParameters": {
            "minimumSpeed", "maximumSpeed", "maximumAcceleration", "maximumDeceleration", "minimumHeight",
            "maximumHeight", "width", "length",
        },
        "protocolLimits": {"maximumStringLengths", "maximumArrayLengths", "timing"},
        "protocolFeatures": {"optionalParameters", "mobileRobotActions"},
        "mobileRobotGeometry": set(),
        "loadSpecification": set(),
    },
}  # fmt: skip


@pytest.fixture(params=[V2, V3], ids=["2.1", "3.0"])
def dialect(request):
    return request.param


@pytest.fixture
def sheet(dialect, bundle):
    return factsheet_of(dialect, read_catalogue(bundle))


def test_every_field_that_the_version_wants_is_there(sheet, dialect):
    missing = {part: fields - sheet[part].keys() for part, fields in WANTED[dialect].items()}
    assert {part: fields for part, fields in missing.items() if fields} == {}


def test_it_names_the_parts_and_bins_and_every_action_that_is_taken(sheet):
    actions = next(value for key, value in sheet["protocolFeatures"].items() if key.endswith("Actions"))
    scopes = {action["actionType"]: action["actionScopes"] for action in actions}
    assert scopes.pop("sort") == ["NODE", "EDGE"]
    assert scopes.keys() == {"cancelOrder", "stateRequest", "factsheetRequest", "clearInstantActions"}
    assert set(map(tuple, scopes.values())) == {("INSTANT",)}
    words = {parameter["key"]: parameter["description"] for parameter in actions[0]["actionParameters"]}
    assert words["part"] == "one of gear, bolt, nut"
    assert words["bin"].startswith("one of A, B")


def test_what_it_says_of_lists_is_what_is_read(sheet):
    limits = sheet["protocolLimits"]
    lists = limits.get("maxArrayLens") or limits["maximumArrayLengths"]
    for kind, field, name in (
        (OrderMessage, "nodes", "order.nodes"),
        (InstantActions, "actions", "instantActions"),
    ):
        (most,) = [one.max_length for one in kind.model_fields[field].metadata if hasattr(one, "max_length")]
        assert lists[name] == most
