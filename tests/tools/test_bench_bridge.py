"""The bridge's inference stands against the network alone, on the same images, in the same run."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from tests.ros.tiny_bundle import write_bundle

from trunnion.bench import bridge, stream_probe
from trunnion_contract.bundle import open_bundle
from trunnion_contract.errors import Broken


def test_rows_of_inference_have_their_floors(tmp_path: Path):
    rows = {row.name: row for row in bridge._infer(open_bundle(write_bundle(tmp_path)), 2, 0.3)}

    assert list(rows) == ["bridge.infer.ratio", "bridge.infer.per_core_ratio"] + [
        f"bridge.infer.p{percent}_ms" for percent in (50, 95, 99)
    ]
    # Of a network of no weight, on a machine with other work: it can be anything.
    assert rows["bridge.infer.ratio"].value > 0
    assert "all cores" in rows["bridge.infer.ratio"].against
    assert rows["bridge.infer.p50_ms"].n > 16
    assert rows["bridge.infer.p50_ms"].value <= rows["bridge.infer.p99_ms"].value


def test_rows_of_the_stream_tell_how_old_states_are_when_they_are_heard(tmp_path: Path):
    rows = {row.name: row for row in bridge._stream(open_bundle(write_bundle(tmp_path)), 20, 1.0)}

    assert list(rows) == [
        *(f"bridge.stream.p{percent}_ms" for percent in (50, 95, 99)),
        "bridge.stream.rate_hz",
        "bridge.stream.rss_growth_mib",
    ]
    assert 0 < rows["bridge.stream.p50_ms"].value <= rows["bridge.stream.p99_ms"].value
    assert 2.5 < rows["bridge.stream.rate_hz"].value < 12


def test_a_bridge_that_refuses_images_ends_the_bench(tmp_path: Path):
    with bridge._probe("infer_probe", 1, "no token", __file__, 1) as probe, pytest.raises(Broken):
        bridge._ask(probe, 0.1)


def test_a_listener_answers_pings_so_that_it_is_not_sent_away():
    written: list[bytes] = []

    async def pinged() -> None:
        listener = stream_probe.Listener(b"the request")
        listener.connection_made(SimpleNamespace(write=written.append))
        listener.data_received(b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + b"\x89\x04wh")
        listener.data_received(b"at")

    asyncio.run(pinged())
    assert written == [b"the request", b"\x8a\x84" + bytes(4) + b"what"]


def test_a_bridge_that_still_loads_its_network_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "image.jpg").write_bytes(b"an image")
    answers = [httpx.Response(status) for status in (200, 503, 503)]
    monkeypatch.setattr(bridge.httpx, "post", lambda *_, **__: answers.pop())
    monkeypatch.setattr(bridge, "_REST_S", 0.0)

    bridge._load(bridge.RunningBridge(0, 0, ""), tmp_path / "image.jpg")

    assert answers == []
