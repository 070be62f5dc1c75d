"""The generated client is that of the API as it is, and works."""

from __future__ import annotations

import filecmp
import io
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from trunnion_client import AuthenticatedClient, Client
from trunnion_client.api.inference import infer
from trunnion_client.api.missions import get_mission
from trunnion_client.api.orders import cancel_order, create_order, get_order, list_orders
from trunnion_client.api.snapshots import delete_snapshot, get_snapshot_image, take_snapshot
from trunnion_client.models import Order, OrderLine, OrderRequest, OrderState, Problem, SnapshotRequest
from trunnion_client.types import File

CLIENT = Path("tools", "client")


def differing(compared: filecmp.dircmp) -> list[str]:
    here = compared.left_only + compared.right_only + compared.diff_files
    return [name for name in here if name != "__pycache__"] + [
        f"{name}/{below}" for name, sub in compared.subdirs.items() for below in differing(sub)
    ]


def test_the_client_is_what_the_generator_makes_of_the_api(repository, tmp_path, ros_process_environment):
    program = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]);"
        "from generate import generate; generate(Path(sys.argv[2]))"
    )
    target = tmp_path / "trunnion_client"
    command = [sys.executable, "-c", program, str(repository / CLIENT), str(target)]
    subprocess.run(command, env=ros_process_environment, check=True, capture_output=True)
    found = differing(filecmp.dircmp(repository / CLIENT / "trunnion_client", target))
    assert found == [], "the API has changed: run `make client` and commit tools/client/trunnion_client"


@pytest.fixture
def client(bridge):
    with AuthenticatedClient(bridge.url, token=bridge.token) as opened:
        yield opened


def order_of(**quantities: int) -> OrderRequest:
    return OrderRequest(lines=[OrderLine(part, count) for part, count in quantities.items()], bin_="B")


def test_an_order_is_placed_followed_and_found_among_the_others(client, bridge):
    placed = create_order.sync_detailed(client=client, body=order_of(gear=1), idempotency_key="client-1")
    assert placed.status_code == 201
    assert isinstance(placed.parsed, Order)
    again = create_order.sync_detailed(client=client, body=order_of(gear=1), idempotency_key="client-1")
    assert (again.status_code, again.parsed.id) == (200, placed.parsed.id)

    bridge.until_state(placed.parsed.id, "succeeded")
    ended = get_order.sync(placed.parsed.id, client=client)
    assert (ended.state, ended.sorted_, ended.lines[0].part) == (OrderState.SUCCEEDED, 1, "gear")
    assert [event.state for event in ended.events][:: len(ended.events) - 1] == ["queued", "succeeded"]
    assert ended.ended_at > ended.created_at
    assert get_mission.sync(ended.id, client=client).missing == 0
    newest = list_orders.sync(client=client, state=OrderState.SUCCEEDED, limit=1)
    assert newest.orders[0].id == ended.id


def test_an_order_is_cancelled(client, bridge, cell):
    cell.say("sorter slow")
    order = create_order.sync(client=client, body=order_of(bolt=1))
    bridge.until_state(order.id, "running")
    assert cancel_order.sync(order.id, client=client).cancelling is True
    assert bridge.until_state(order.id, "cancelled")["id"] == order.id
    refused = cancel_order.sync(order.id, client=client)
    assert (refused.status, refused.type_) == (409, "urn:trunnion:problem:already-ended")


def test_problems_are_typed(client, bridge):
    problem = create_order.sync(client=client, body=order_of(cog=1))
    assert isinstance(problem, Problem)
    assert (problem.where, problem.got) == ("lines.0.part", "'cog'")
    with Client(bridge.url) as stranger:
        assert list_orders.sync(client=stranger).status == 401


def test_pictures_go_in_and_come_out(client):
    snapshot = take_snapshot.sync(client=client, body=SnapshotRequest(note="from the client"))
    image = get_snapshot_image.sync(snapshot.id, client=client)
    jpeg = image.payload.read()
    assert cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).shape == (240, 320, 3)
    found = infer.sync(client=client, body=File(io.BytesIO(jpeg)), confidence=0.2)
    assert [item.label for item in found.items] == ["gear"]
    assert delete_snapshot.sync_detailed(snapshot.id, client=client).status_code == 204
