"""The audit log: every change and every refused one, with who, what, when and outcome; and nobody rewrites it."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from trunnion_bridge.access import audit
from trunnion_bridge.access.audit import AuditLog
from trunnion_bridge.access.deed import Deed, acting
from trunnion_bridge.access.roles import Caller, Role
from trunnion_bridge.database import Database
from trunnion_bridge.models import OrderRequest
from trunnion_bridge.store import Store

NUT = {"lines": [{"part": "nut", "quantity": 1}], "bin": "B"}


@pytest.fixture
def database(database_url):
    with Database(database_url) as opened:
        yield opened


@pytest.fixture
def deed():
    caller = Caller("ada", Role.ADMIN, 0.0)
    made = Deed("order.create", "192.0.2.7", "r-1", {"caller": caller})
    with acting(made):
        yield made


def test_an_order_and_who_wanted_it_are_written_together_or_not_at_all(database, deed):
    store, log = Store(database), AuditLog(database)
    order, _ = store.create(OrderRequest.model_validate(NUT), "k", 10)
    store.create(OrderRequest.model_validate(NUT), "k", 10)

    again, first = log.page(10)
    assert (first.who, first.role, first.via, first.address) == ("ada", "admin", "oidc", "192.0.2.7")
    assert (first.action, first.subject, first.outcome) == ("order.create", order.id, "done")
    assert (again.subject, again.outcome) == (order.id, "unchanged")

    with pytest.raises(DatabaseError), database.writing() as session:
        enter_and_fail(session)
    assert len(log.page(10)) == 2


def test_what_the_bridge_does_by_itself_is_nobody_s_deed(database):
    store = Store(database)
    order, _ = store.create(OrderRequest.model_validate(NUT), None, 10)
    store.cancel(order.id)

    assert AuditLog(database).page(10) == []


@pytest.mark.parametrize(
    "change",
    ["UPDATE audit_log SET who = 'eve'", "DELETE FROM audit_log", "DELETE FROM audit_log WHERE number = 1"],
)
def test_the_database_refuses_to_rewrite_it(database, deed, change):
    AuditLog(database).write(deed, "refused", "role-too-low")

    with pytest.raises(DatabaseError, match="only grows"), database.writing() as session:
        session.execute(text(change))

    assert [entry.who for entry in AuditLog(database).page(10)] == ["ada"]


def test_postgresql_refuses_to_empty_it(postgres):
    with Database(postgres.new_database()) as database:
        log, deed = AuditLog(database), Deed("order.create", "192.0.2.7", "r-1", {"caller": None})
        log.write(deed, "refused", "role-too-low")
        for change in ("TRUNCATE audit_log", "TRUNCATE audit_log CASCADE"):
            with pytest.raises(DatabaseError, match="only grows"), database.writing() as session:
                session.execute(text(change))
        assert len(log.page(10)) == 1


def test_what_callers_send_comes_into_it_as_text_and_in_no_other_way(database, deed):
    log = AuditLog(database)
    hostile = "x'); DROP TABLE audit_log; --\0\ud800\r\n" + "y" * 500

    log.write(deed, "refused", "not-found", subject=hostile)

    kept = log.page(10)[0].subject
    assert kept.startswith("x'); DROP TABLE audit_log; --\ufffd?\r\n")
    assert len(kept) == 200


def enter_and_fail(session):
    audit.enter(session, "an-id")
    session.execute(text("this is no SQL"))


def entries(bridge, **wanted):
    return bridge.http.get("/v1/audit", params=wanted).json()["entries"]


def test_every_change_over_http_is_there_with_its_request_id(bridge):
    request_id = uuid.uuid4().hex
    order = bridge.post({"nut": 1}, **{"X-Request-Id": request_id})
    cancelled = bridge.http.post(f"/v1/orders/{order.json()['id']}/cancel")

    told = entries(bridge, subject=order.json()["id"])

    assert [entry["action"] for entry in told] == ["order.cancel", "order.create"]
    assert [entry["outcome"] for entry in told] == [
        "done" if cancelled.status_code == 202 else "refused",
        "done",
    ]
    assert order.headers["X-Request-Id"] == told[1]["request_id"] == request_id
    assert cancelled.headers["X-Request-Id"] == told[0]["request_id"]
    assert (told[1]["via"], told[1]["role"], told[1]["address"]) == ("local", "admin", "127.0.0.1")
    assert told[1]["who"]


def test_refused_changes_are_there_with_the_reason_and_looks_are_not(bridge):
    expires_at = (datetime.now(UTC) + timedelta(days=90)).isoformat()
    made = bridge.http.post("/v1/keys", json={"name": "n", "role": "viewer", "expires_at": expires_at})
    if made.status_code != 201:
        pytest.fail(made.text)
    key = made.json()
    with httpx.Client(base_url=bridge.url, headers={"Authorization": f"Bearer {key['secret']}"}) as viewer:
        viewer.get("/v1/orders")
        viewer.get("/v1/keys")
        viewer.post("/v1/orders", json=NUT)
        viewer.delete(f"/v1/keys/{key['id']}")
    httpx.delete(f"{bridge.url}/v1/keys/{key['id']}")
    bridge.http.post("/v1/orders", json={**NUT, "bin": "Z"})

    told = entries(bridge, limit=4)

    who = f"key:{key['id']}"
    assert [(entry["who"], entry["action"], entry["code"]) for entry in reversed(told)] == [
        (who, "order.create", "role-too-low"),
        (who, "key.revoke", "role-too-low"),
        ("", "key.revoke", "unauthenticated"),
        (told[0]["who"], "order.create", "unknown-bin"),
    ]
    assert {entry["outcome"] for entry in told} == {"refused"}
    assert told[2]["subject"] == key["id"]
    assert key["secret"] not in bridge.http.get("/v1/audit?limit=200").text


def test_sign_ins_are_there(bridge):
    answer = httpx.post(f"{bridge.url}/v1/session")

    told = entries(bridge, action="session.open", limit=1)[0]
    assert (told["who"], told["outcome"]) == (answer.json()["name"], "done")


def test_the_log_pages_with_its_filters(bridge):
    for _ in range(5):
        bridge.post({"nut": 99})
    whole = [
        entry["number"] for entry in entries(bridge, limit=200, outcome="refused", action="order.create")
    ]

    numbers, path = [], "/v1/audit?limit=2&outcome=refused&action=order.create"
    while path and len(numbers) < len(whole):
        page = bridge.http.get(path).json()
        numbers += [entry["number"] for entry in page["entries"]]
        path = page["next"]

    assert numbers == whole == sorted(whole, reverse=True)
    assert len(whole) >= 5
    assert bridge.http.get("/v1/audit?who=%00").status_code == 422
