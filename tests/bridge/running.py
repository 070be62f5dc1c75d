"""A bridge and a cell as real processes, and a bundle for them."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
from tests.ros.tiny_bundle import detector_network
from websockets.sync.client import ClientConnection, connect

from trunnion_contract.bundle import MODEL, PROOF, REPORT, pack
from trunnion_contract.cell import BinLayout, CameraLayout, CellLayout, MotionLimits, TrayLayout
from trunnion_contract.detector_spec import DetectorSpec
from trunnion_contract.files import digest_bytes, write_json
from trunnion_contract.manifest import DetectorModel, ModelManifest
from trunnion_contract.proof import Gate, Proof
from trunnion_contract.tensor import TensorSpec

CELL_ROBOT = Path(__file__).with_name("cell_robot.py")
ORDER_MAX = 9
OPEN = ("queued", "starting", "running")
Environment = Mapping[str, str]


def until(true: Callable[[], Any], within_s: float = 30.0, what: str = "it") -> Any:
    """Wait for `true()`; what it gave."""
    deadline_s = time.monotonic() + within_s
    while time.monotonic() < deadline_s:
        if result := true():
            return result
        time.sleep(0.03)
    raise AssertionError(f"{what} did not come within {within_s} s")


def slowness() -> float:
    """How many times longer things take now than on this machine alone: processes that want a core, for each core."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


class CellRobot:
    """The cell's process, which obeys commands."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._wait("start")

    def say(self, command: str) -> None:
        """Give a command and wait until it is obeyed."""
        assert self._process.stdin
        print(command, file=self._process.stdin, flush=True)
        self._wait(command)

    def executed(self) -> list[str]:
        """The ids of all orders that it ever began."""
        assert self._process.stdin
        assert self._process.stdout
        print("executed", file=self._process.stdin, flush=True)
        ids: list[str] = json.loads(self._process.stdout.readline())
        return ids

    def kill(self) -> None:
        """Let the cell die as by a power cut."""
        self._process.kill()
        self._process.wait()

    def _wait(self, command: str) -> None:
        assert self._process.stdout
        assert json.loads(self._process.stdout.readline()) == {"done": command}


@contextmanager
def running_cell(environment: Environment) -> Iterator[CellRobot]:
    """The cell for as long as the block lasts."""
    process = subprocess.Popen(
        [sys.executable, str(CELL_ROBOT)],
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield CellRobot(process)
        finally:
            process.kill()


class RunningBridge:
    """A bridge's process and a client for it."""

    def __init__(self, process: subprocess.Popen[str], port: int, data_dir: Path) -> None:
        self.process = process
        self.port = port
        self.data_dir = data_dir
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10.0)
        self.token = ""

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.port}"

    def sign_in(self) -> None:
        """Send a token with every request from now on, as the user who runs the bridge gets it."""
        self.token = self.http.post("/v1/session").json()["token"]
        self.http.cookies.clear()
        self.http.headers["Authorization"] = f"Bearer {self.token}"

    def connect(self, path: str, **options: Any) -> ClientConnection:
        """A WebSocket with the token."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return connect(f"ws://127.0.0.1:{self.port}{path}", additional_headers=headers, **options)

    def post(self, lines: Mapping[str, int], bin_name: str = "B", **headers: str) -> httpx.Response:
        """Post an order."""
        body = {"lines": [{"part": p, "quantity": q} for p, q in lines.items()], "bin": bin_name}
        return self.http.post("/v1/orders", json=body, headers=headers)

    def order(self, order_id: str) -> dict[str, Any]:
        """The order as it is now."""
        answer: dict[str, Any] = self.http.get(f"/v1/orders/{order_id}").json()
        return answer

    def state(self) -> dict[str, Any]:
        """The cell as it is now."""
        answer: dict[str, Any] = self.http.get("/v1/state").json()
        return answer

    def until_state(self, order_id: str, *states: str, within_s: float = 30.0) -> dict[str, Any]:
        """The order once it is in one of `states`."""
        until(lambda: self.order(order_id)["state"] in states, within_s, f"{states} of the order")
        return self.order(order_id)

    def cancel_all(self) -> None:
        """Cancel all orders that have not ended, and wait until they have."""
        until(lambda: not self._cancel_open(), what="the end of all orders")

    def _cancel_open(self) -> list[str]:
        """The ids of those that had not ended yet."""
        pages = [self.http.get("/v1/orders", params={"state": state}).json() for state in OPEN]
        ids: list[str] = [order["id"] for page in pages for order in page["orders"]]
        for order_id in ids:
            self.http.post(f"/v1/orders/{order_id}/cancel")
        return ids

    def until_ready(self) -> None:
        """Wait for the whole cell."""
        until(lambda: self.http.get("/readyz").status_code == 200, what="a ready cell")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal; the exit code."""
        self.http.close()
        self.process.send_signal(number)
        return self.process.wait(timeout=10)


def bridge_command(bundle: Path, data_dir: Path, *arguments: str) -> list[str]:
    """The command line of a bridge."""
    program = [sys.executable, "-m", "trunnion_bridge.main"]
    return [*program, "--bundle", str(bundle), "--data-dir", str(data_dir), *arguments]


@contextmanager
def running_bridge(
    environment: Environment, bundle: Path, data_dir: Path, port: int, *arguments: str
) -> Iterator[RunningBridge]:
    """A bridge for as long as the block lasts; it answers when the block begins."""
    command = bridge_command(bundle, data_dir, "--port", str(port), *arguments)
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "bridge.log").open("a") as log:
        process = subprocess.Popen(command, env=dict(environment), stdout=log, stderr=log, text=True)
    with process:
        bridge = RunningBridge(process, port, data_dir)
        try:
            until(lambda: _answers(bridge), within_s=120.0, what=f"a bridge (see {data_dir}/bridge.log)")
            if "--oidc-issuer" not in arguments:
                bridge.sign_in()
            yield bridge
        finally:
            bridge.http.close()
            process.kill()


@contextmanager
def locked(bridge: RunningBridge) -> Iterator[None]:
    """Somebody else who keeps the bridge's file of orders locked."""
    with closing(sqlite3.connect(bridge.data_dir / "bridge.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


def a_free_port() -> int:
    """A TCP port on loopback that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def make_bundle(folder: Path, network: bytes | None = None, **changes: Any) -> Path:
    """A bundle of a sorting cell: gear, bolt and nut, bins A and B, the detector of tests/ros/tiny_bundle.py."""
    network = detector_network().SerializeToString() if network is None else network
    spec = DetectorSpec(
        input=TensorSpec(name="images", dtype="float32", shape=(1, 3, 320, 320)),
        output=TensorSpec(name="output0", dtype="float32", shape=(1, 300, 6)),
        image_size_px=320,
        labels=("gear", "bolt", "nut"),
        confidence_threshold=0.4,
    )
    detector = DetectorModel(file="detector.onnx", sha256=digest_bytes(network), parity=(), spec=spec)
    model = ModelManifest(
        name="sorting_cell",
        version="0.1.0",
        problem="sort parts",
        usecase_digest=digest_bytes(b"a use case"),
        dataset_digest=None,
        detector=detector,
        cell=cell_layout(),
        made_with={},
        licences={},
    ).model_copy(update=changes)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "detector.onnx").write_bytes(network)
    (folder / REPORT).write_text("<html></html>")
    write_json(folder / MODEL, model.model_dump(mode="json", by_alias=True))
    write_json(folder / PROOF, _proof(model).model_dump(mode="json", by_alias=True))
    bundle = folder / "sorting_cell-0.1.0.trunnion"
    pack(folder, folder, bundle, card="# A model")
    return bundle


def cell_layout() -> CellLayout:
    """The sorting cell, with a tray in which ORDER_MAX parts can lie."""
    sides = {"A": 0.225, "B": -0.225}
    bins = {
        name: BinLayout(center_base_m=(0.5, y_m, 0.0), size_m=(0.2, 0.14), drop_base_m=(0.5, y_m, 0.12))
        for name, y_m in sides.items()
    }
    return CellLayout(
        camera=CameraLayout(
            width_px=320,
            height_px=240,
            vertical_field_of_view_deg=28.6,
            position_base_m=(0.49, 0.0, 0.95),
            look_at_base_m=(0.49, 0.0, 0.0),
        ),
        tray=TrayLayout(center_base_m=(0.5, 0.0, 0.005), size_m=(0.26, 0.26)),
        bins=bins,
        part_heights_m={"gear": 0.018, "bolt": 0.018, "nut": 0.016},
        home_base_m=(0.5, 0.225, 0.22),
        limits=MotionLimits(
            workspace_low_base_m=(0.34, -0.3, 0.008),
            workspace_high_base_m=(0.66, 0.3, 0.3),
            speed_max_mps=0.6,
            acceleration_max_mps2=6.0,
        ),
    )


def _proof(model: ModelManifest) -> Proof:
    return Proof(
        name=model.name,
        version=model.version,
        usecase_digest=model.usecase_digest,
        dataset_digest=None,
        model_digest=model.digest(),
        files=model.files(),
        runtime={},
        gates=(Gate(name="detector mAP50", got="0.95", wanted="at least 0.90", passed=True),),
        simulated=False,
    )


def _answers(bridge: RunningBridge) -> bool:
    assert bridge.process.poll() is None, "the bridge has ended"
    try:
        return bridge.http.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False
