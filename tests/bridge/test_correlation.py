"""Each request has an id, which its answer and the lines of the log name."""

from __future__ import annotations

import asyncio

import pytest

from trunnion_bridge import correlation
from trunnion_bridge.correlation import HEADER


@pytest.mark.parametrize("path", ["/healthz", "/v1/orders", "/v1/none", "/", "/style.css"])
def test_every_answer_names_its_request(bridge, path):
    first, second = (bridge.http.get(path).headers[HEADER] for _ in range(2))

    assert len(first) == 32
    assert first != second


def test_the_id_that_a_caller_gives_is_kept(bridge):
    assert bridge.http.get("/healthz", headers={HEADER: "erp-4711.2"}).headers[HEADER] == "erp-4711.2"


@pytest.mark.parametrize("given", ["", "a b", "a" * 65, "x\tlevel=ERROR", "{}", "é".encode("latin-1")])
def test_an_id_that_could_forge_a_line_of_the_log_is_not_taken(bridge, given):
    answer = bridge.http.get("/healthz", headers={HEADER: given})

    assert len(answer.headers[HEADER]) == 32


def test_a_refused_request_has_an_id_too(bridge):
    assert bridge.http.get("/v1/state", headers={"Host": "evil.example"}).headers[HEADER]
    assert bridge.http.get("/v1/state", headers={"Authorization": "Bearer no"}).headers[HEADER]


def test_an_order_s_lines_end_with_the_block():
    with correlation.of_order("one"):
        assert correlation.order_id.get() == "one"
    assert correlation.order_id.get() == ""


def test_requests_side_by_side_keep_their_ids_apart():
    heard: list[str] = []

    async def app(scope, receive, send):
        await asyncio.sleep(0)
        heard.append(correlation.request_id.get())

    async def ask(identity: str) -> None:
        scope = {"type": "http", "headers": [(b"x-request-id", identity.encode())]}
        await correlation.RequestId(app)(scope, None, None)

    async def both() -> None:
        await asyncio.gather(ask("one"), ask("two"))

    asyncio.run(both())

    assert sorted(heard) == ["one", "two"]
