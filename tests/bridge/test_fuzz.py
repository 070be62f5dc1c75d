"""Whatever is posted as an order is answered in the form that was promised."""

from __future__ import annotations

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ANSWERS = {200, 201, 400, 413, 422, 503}
JSON = {"Content-Type": "application/json"}
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
parts = st.sampled_from(["gear", "bolt", "nut", "cog", "", "gear\x00"]) | st.text()
quantities = st.integers(-3, 20) | st.integers() | st.floats() | anything
lines = st.fixed_dictionaries({"part": parts | anything, "quantity": quantities})
orders = st.fixed_dictionaries(
    {"lines": st.lists(lines, max_size=5) | anything, "bin": st.sampled_from("ABC") | anything}
)
# What HTTP itself allows in a header: no control characters, no blanks at the ends.
header_values = st.text(
    st.characters(min_codepoint=32, max_codepoint=255, exclude_categories=["Cc"]), max_size=40
).map(str.strip)
relaxed = settings(
    max_examples=150,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@relaxed
@given(body=orders | anything)
def test_any_json_is_answered(bridge, body):
    check(bridge.http.post("/v1/orders", content=json.dumps(body), headers=JSON))


@relaxed
@given(body=st.binary(max_size=200), key=st.none() | header_values)
def test_any_bytes_are_answered(bridge, body, key):
    headers = {**JSON, **({"Idempotency-Key": key.encode("latin-1")} if key is not None else {})}
    check(bridge.http.post("/v1/orders", content=body, headers=headers))


def check(answer):
    assert answer.status_code in ANSWERS
    if answer.status_code in (200, 201):
        order = answer.json()
        assert order["requested"] == sum(line["quantity"] for line in order["lines"]) > 0
    else:
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert all(problem[key] for key in ("type", "title", "where", "got", "wanted", "next"))
        assert len(problem["got"]) <= 200
