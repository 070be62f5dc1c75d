"""API keys: what they open, when they end, and that their secret is nowhere kept."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy.exc import OperationalError
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from trunnion_bridge.access.key_ring import KeyRing
from trunnion_bridge.access.key_store import KeyStore
from trunnion_bridge.access.keys import digest_of, fits, id_of, mint
from trunnion_bridge.access.models import KeyRequest
from trunnion_bridge.access.roles import Role
from trunnion_bridge.database import Database, sqlite_url
from trunnion_bridge.main import main
from trunnion_bridge.problem import Refused

NOW_S = 1_800_000_000.0
NUT = {"lines": [{"part": "nut", "quantity": 1}], "bin": "B"}


class Clock:
    """A wall clock and a steady one, set by the test."""

    def __init__(self):
        self.now_s, self.steady_s = NOW_S, 0.0

    def pass_(self, seconds):
        self.now_s += seconds
        self.steady_s += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def keys(database_url, clock):
    with Database(database_url) as database:
        yield KeyStore(database, lambda: clock.now_s)


def asked(role="operator", hours=1.0, areas=None, since_s=NOW_S):
    expires_at = datetime.fromtimestamp(since_s, UTC) + timedelta(hours=hours)
    return KeyRequest(name="ERP, plant 2", role=role, areas=areas, expires_at=expires_at)


def ring_of(keys, clock):
    return KeyRing(keys, lambda: clock.now_s, lambda: clock.steady_s)


def caller(ring, text):
    async def call():
        try:
            return await ring.caller(text)
        finally:
            await ring.settle()

    return asyncio.run(call())


def test_a_key_opens_what_it_was_made_for(keys, clock):
    made = keys.create(asked("integrator", areas=["orders"]), "ada")

    found = caller(ring_of(keys, clock), made.secret)

    assert (found.name, found.role, found.via) == (f"key:{made.id}", Role.INTEGRATOR, "key")
    assert (found.areas, found.expires_s) == (frozenset({"orders"}), NOW_S + 3600)
    assert (made.created_by, made.name) == ("ada", "ERP, plant 2")


def test_of_the_secret_only_a_digest_is_kept(keys):
    made = keys.create(asked(), "ada")
    known = keys.get(made.id)

    assert known.digest == digest_of(made.secret)
    assert made.secret not in str(known)
    assert fits(made.secret, known.digest)
    assert not fits(made.secret[:-1] + "!", known.digest)


def test_keys_are_long_and_never_the_same():
    minted = [mint() for _ in range(100)]

    assert len({key.text for key in minted}) == len({key.key_id for key in minted}) == 100
    assert all(len(key.text) == 60 and id_of(key.text) == key.key_id for key in minted)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda key: key.secret[:-6] + "AAAAAA",
        lambda key: key.secret.replace(key.id, "0123456789ab"),
        lambda key: key.secret + "A",
        lambda key: f"trn_{key.id}_",
        lambda key: "trn_\0_" + "A" * 43,
        lambda key: f"trn_{key.id}_' OR '1'='1",
    ],
)
def test_a_key_that_is_not_quite_right_is_refused_like_one_that_never_was(keys, clock, wrong):
    made = keys.create(asked(), "ada")
    keys.revoke(made.id)

    with pytest.raises(Refused, match="a key that this bridge does not know") as refused:
        caller(ring_of(keys, clock), wrong(made))
    assert refused.value.code == "unauthenticated"


def test_an_expired_and_a_revoked_key_open_nothing_and_say_why(keys, clock):
    ring = ring_of(keys, clock)
    short, revoked = keys.create(asked(hours=1), "ada"), keys.create(asked(hours=9), "ada")
    assert caller(ring, revoked.secret)
    keys.revoke(revoked.id)  # as another bridge of the same database would
    clock.pass_(3)

    with pytest.raises(Refused, match="a key that was revoked"):
        caller(ring, revoked.secret)
    assert caller(ring, short.secret)
    clock.pass_(3600)
    with pytest.raises(Refused, match="a key that has expired"):
        caller(ring, short.secret)
    assert not asyncio.run(ring.is_valid(f"key:{short.id}"))


@pytest.mark.parametrize("hours", [-1, 0, 367 * 24])
def test_a_key_always_ends(keys, hours):
    with pytest.raises(Refused, match="at most 366 days") as refused:
        keys.create(asked(hours=hours), "ada")
    assert refused.value.code == "expiry-out-of-range"


def test_the_time_of_the_last_use_is_kept_to_a_minute(keys, clock):
    ring = ring_of(keys, clock)
    made = keys.create(asked(), "ada")
    assert keys.get(made.id).key.last_used_at is None

    for _ in range(3):
        caller(ring, made.secret)
        clock.pass_(20)
    assert keys.get(made.id).key.last_used_at.timestamp() == NOW_S

    clock.pass_(20)
    caller(ring, made.secret)
    assert keys.get(made.id).key.last_used_at.timestamp() == NOW_S + 80


def test_what_is_remembered_of_keys_that_are_none_has_a_bound(keys, clock):
    ring = ring_of(keys, clock)

    async def guess():
        for _ in range(1100):
            with pytest.raises(Refused):
                await ring.caller(mint().text)

    asyncio.run(guess())
    assert len(ring._kept) <= 1024


class AwayStore:
    """A store whose database does not answer."""

    def get(self, key_id):
        raise OperationalError("SELECT", {}, sqlite3.OperationalError("database is locked"))


def test_while_the_database_is_away_no_key_comes_in_and_nobody_who_is_in_is_sent_away(clock):
    ring = ring_of(AwayStore(), clock)

    with pytest.raises(Refused) as refused:
        caller(ring, mint().text)
    assert refused.value.code == "database-away"
    assert asyncio.run(ring.is_valid("key:0123456789ab"))


@pytest.fixture
def make_key(bridge):
    """Make a key over the API; a client that sends it."""
    clients = []

    def make(role, **more):
        body = {"name": "a test", "role": role, "expires_at": tomorrow(), **more}
        made = bridge.http.post("/v1/keys", json=body)
        assert made.status_code == 201, made.text
        assert made.headers["Cache-Control"] == "no-store"
        headers = {"Authorization": f"Bearer {made.json()['secret']}"}
        clients.append(httpx.Client(base_url=bridge.url, headers=headers))
        return made.json(), clients[-1]

    yield make
    for client in clients:
        client.close()


def until_closed(told):
    while True:
        told.recv(timeout=15)


def tomorrow():
    return (datetime.now(UTC) + timedelta(days=1)).isoformat()


def test_roles_of_keys_open_what_they_should_and_no_more(make_key):
    _, viewer = make_key("viewer")
    _, operator = make_key("operator")
    _, integrator = make_key("integrator")

    assert viewer.get("/v1/state").status_code == 200
    assert viewer.post("/v1/orders", json=NUT).json()["type"] == "urn:trunnion:problem:role-too-low"
    assert operator.post("/v1/orders", json=NUT).status_code == 201
    assert {integrator.get(path).status_code for path in ("/v1/keys", "/v1/audit")} == {403}


def test_a_key_for_some_areas_opens_those_only(make_key, bridge):
    made, orders = make_key("operator", areas=["orders"])

    assert made["areas"] == ["orders"]
    assert orders.post("/v1/orders", json=NUT).status_code == 201
    assert orders.get("/v1/state").json()["type"] == "urn:trunnion:problem:other-area"
    _, keeper = make_key("admin", areas=["keys"])
    body = {"name": "n", "role": "admin", "expires_at": tomorrow()}
    for areas in ({}, {"areas": ["orders"]}):  # it cannot make one for more than itself
        assert keeper.post("/v1/keys", json={**body, **areas}).json()["type"].endswith("unknown-area")
    assert keeper.post("/v1/keys", json={**body, "areas": ["keys"]}).status_code == 201


def test_a_revoked_key_is_refused_at_once_and_its_streams_end(make_key, bridge):
    made, client = make_key("viewer")
    headers = {"Authorization": client.headers["Authorization"]}
    with connect(
        f"ws://127.0.0.1:{bridge.port}/v1/events", additional_headers=headers, max_size=None
    ) as told:
        told.recv(timeout=5)
        assert bridge.http.delete(f"/v1/keys/{made['id']}").json()["revoked_at"]
        assert client.get("/v1/state").status_code == 401
        with pytest.raises(ConnectionClosed) as closed:
            until_closed(told)
    assert closed.value.rcvd.code == 1008
    assert bridge.http.delete("/v1/keys/none").status_code == 404


def test_the_list_of_keys_pages_and_has_no_secrets(make_key, bridge):
    made = [make_key("viewer")[0] for _ in range(3)]

    numbers, path, text = [], "/v1/keys?limit=2", ""
    while path:
        page = bridge.http.get(path)
        text += page.text
        numbers += [key["number"] for key in page.json()["keys"]]
        path = page.json()["next"]

    assert numbers == sorted(numbers, reverse=True)
    assert {key["number"] for key in made} <= set(numbers)
    assert not any(key["secret"] in text for key in made)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"role": "root"}, "invalid"),
        ({"name": "a\nb"}, "invalid"),
        ({"name": ""}, "invalid"),
        ({"areas": []}, "invalid"),
        ({"areas": ["everything"]}, "unknown-area"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expiry-out-of-range"),
        ({"expires_at": "2030-01-01T00:00:00"}, "invalid"),
        ({"expires_at": None}, "invalid"),
    ],
)
def test_a_bad_key_is_not_made(bridge, change, code):
    body = {"name": "n", "role": "viewer", "expires_at": tomorrow(), **change}

    answer = bridge.http.post("/v1/keys", json=body)

    assert (answer.status_code, answer.json()["type"]) == (422, f"urn:trunnion:problem:{code}")


def test_the_operator_of_the_machine_makes_keys_for_a_bridge_that_runs(bridge, shared_data_dir, capsys):
    place = ["--data-dir", str(shared_data_dir)]
    assert main(["keys", "create", "--name", "MES", "--role", "viewer", "--days", "1", *place]) == 0
    said = capsys.readouterr()
    secret = said.out.strip()
    assert secret not in said.err

    with httpx.Client(base_url=bridge.url, headers={"Authorization": f"Bearer {secret}"}) as machine:
        assert machine.get("/v1/state").status_code == 200
        assert main(["keys", "revoke", id_of(secret), *place]) == 0
        assert main(["keys", "list", *place]) == 0
        assert "revoked" in capsys.readouterr().out.split("MES")[0]
    entries = bridge.http.get("/v1/audit", params={"subject": id_of(secret)}).json()["entries"]
    assert [(entry["action"], entry["via"]) for entry in entries] == [
        ("key.revoke", "host"),
        ("key.create", "host"),
    ]
    with closing(sqlite3.connect(shared_data_dir / "bridge.db")) as database:
        kept = " ".join(str(row) for row in database.execute("SELECT * FROM api_keys"))
    assert secret.split("_", 2)[2] not in kept


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["create", "--name", "n", "--role", "viewer", "--days", "400"], "at most 366 days"),
        (["create", "--name", "n", "--role", "viewer", "--days", "1e99"], "at most 366 days"),
        (["create", "--name", "", "--role", "viewer"], "a short name"),
        (["create", "--name", "n", "--role", "viewer", "--area", "all"], "some of audit"),
        (["revoke", "none"], "the id of a key"),
    ],
)
def test_the_command_refuses_what_cannot_be(tmp_path, capsys, arguments, said):
    with Database(sqlite_url(tmp_path / "bridge.db")):
        pass
    assert main(["keys", *arguments, "--data-dir", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_keys_are_made_where_a_bridge_was_and_nowhere_else(tmp_path, capsys):
    assert main(["keys", "list", "--data-dir", str(tmp_path)]) == 2
    assert "a folder without a bridge's database" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
