"""The bridge against what it cannot be faster than: the network alone, on the same images, taking turns."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import cv2
import httpx

from trunnion.bench.measure import Row, percentile_rows, ratio_row
from trunnion.bench.order_soak import figures
from trunnion.bench.processes import rss_mib
from trunnion.bench.reference import noise_image
from trunnion.checkout import cell_environment
from trunnion_contract.bundle import Bundle
from trunnion_contract.errors import Broken

_log = logging.getLogger(__name__)
_CALLERS = 16
_ROUNDS, _ROUND_S = 7, 3.0
# Threads of ONNX Runtime spin on for a moment.
_REST_S = 0.2
_START_WITHIN_S = 60.0
_LISTENERS, _STREAM_S = 500, 30.0
# Neither the bridge nor the robot of the bench is to meet a cell that runs on this machine.
_ROS_DOMAIN = "97"
_QUALITY = 85


class RunningBridge(NamedTuple):
    """A bridge of the bench's own, and an admin's token for it."""

    process_id: int
    port: int
    token: str


def rows(bundle: Bundle) -> list[Row]:
    """`bridge.infer.*`: 16 callers, images of 640x480, the bundle's network. `bridge.orders.*`: see `order_soak`.

    `bridge.stream.*`: 500 who listen to the states of a robot that moves, and one who does not read.
    """
    if bundle.model.detector is None or bundle.model.cell is None:
        _log.warning("no rows bridge.*: %s is not the bundle of a cell with a detector", bundle.path.name)
        return []
    return [*_infer(bundle), *_stream(bundle), *figures.rows(bundle)]


def _infer(bundle: Bundle, rounds: int = _ROUNDS, round_s: float = _ROUND_S) -> list[Row]:
    assert bundle.model.detector is not None
    cores = len(os.sched_getaffinity(0))
    with TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        jpeg, network = folder / "image.jpg", folder / "detector.onnx"
        jpeg.write_bytes(camera_jpeg())
        network.write_bytes(bundle.read(bundle.model.detector.file))
        bridge = stack.enter_context(running_bridge(bundle.path, folder))
        _load(bridge, jpeg)
        probes = [
            stack.enter_context(_probe("infer_probe", bridge.port, bridge.token, jpeg, _CALLERS)),
            stack.enter_context(_probe("bare_infer_probe", network, jpeg, 1)),
            stack.enter_context(_probe("bare_infer_probe", network, jpeg, cores)),
        ]
        told = _in_turns(probes, rounds, round_s)
    ours_s, one_s, each_s = (_seconds_per_image(of_probe) for of_probe in told)
    answered_ms = [1e3 * second for answer in told[0] for second in answer["answered_s"]]
    return [
        # Seconds for each image of the network alone over the bridge's: throughput over throughput.
        ratio_row("bridge.infer.ratio", [one_s, ours_s], _against("one after the other on all cores")),
        ratio_row(
            "bridge.infer.per_core_ratio", [each_s, ours_s], _against(f"{cores} at a time, each on a core")
        ),
        *percentile_rows(
            "bridge.infer", answered_ms, f"{_CALLERS} callers, each with one image after the other"
        ),
    ]


def _stream(bundle: Bundle, listeners: int = _LISTENERS, seconds: float = _STREAM_S) -> list[Row]:
    with (
        TemporaryDirectory() as folder,
        running_bridge(bundle.path, Path(folder)) as bridge,
        _probe("moving_probe") as robot,
    ):
        _told(robot)
        arguments = (bridge.port, bridge.token, listeners, seconds)
        with _probe("stream_probe", *arguments) as probe:
            _told(probe)
            before_mib = rss_mib(bridge.process_id)
            told = _told(probe)
            after_mib = rss_mib(bridge.process_id)
    if told["lost"]:
        raise Broken(
            where="the stream",
            got=f"{told['lost']} listeners that were sent away",
            wanted="none",
            next_step="look at the machine's load, and at the bridge",
        )
    ages_ms = [1e3 * age_s for age_s in told["ages_s"]]
    how = (
        f"told to heard, {listeners} listeners, load generator beside the bridge, one more who reads nothing"
    )
    rate_hz = len(ages_ms) / listeners / seconds
    least = f"states that each hears; the one that heard least: {told['least_heard'] / seconds:.1f}"
    return [
        *percentile_rows("bridge.stream", ages_ms, how),
        Row("bridge.stream.rate_hz", round(rate_hz, 2), "Hz", least, listeners, 0.0),
        Row(
            "bridge.stream.rss_growth_mib",
            round(after_mib - before_mib, 1),
            "MiB",
            f"in {seconds:g} s, from {before_mib:.0f} MiB",
            1,
            0.0,
        ),
    ]


def _against(how: str) -> str:
    return f"throughput of the network and the decoding of the JPEG alone, {how}, taking turns"


def camera_jpeg() -> bytes:
    """An image of 640x480 with as much in it as a camera sees."""
    coarse = noise_image()[:60, :80]
    image = cv2.resize(coarse, (640, 480), interpolation=cv2.INTER_CUBIC)
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1])


@contextmanager
def running_bridge(bundle: Path, folder: Path) -> Iterator[RunningBridge]:
    """A bridge in development mode on a free port, for as long as the block lasts; its log is in `folder`."""
    # All callers are one user here, who may ask more often than one user should.
    program = [sys.executable, "-m", "trunnion_bridge.main", "--port", "0", "--rate-per-s", "1e6"]
    command = [*program, "--bundle", str(bundle.resolve()), "--data-dir", str(folder / "data")]
    with (folder / "bridge.log").open("w") as log:
        process = subprocess.Popen(command, env=_environment(), stdout=subprocess.PIPE, stderr=log, text=True)
    with process:
        try:
            assert process.stdout
            port = int(process.stdout.readline().rstrip("/\n").rpartition(":")[2] or 0)
            yield RunningBridge(process.pid, port, _token(port, folder / "bridge.log"))
        finally:
            process.terminate()


def _environment() -> dict[str, str]:
    return {**cell_environment(), "ROS_DOMAIN_ID": _ROS_DOMAIN}


def _token(port: int, log: Path) -> str:
    until_s = time.monotonic() + _START_WITHIN_S
    while time.monotonic() < until_s:
        try:
            return str(httpx.post(f"http://127.0.0.1:{port}/v1/session").json()["token"])
        except httpx.TransportError:
            time.sleep(0.1)
    raise Broken(where="the bridge", got="no answer", wanted="one", next_step=f"see {log.read_text()[-500:]}")


def _load(bridge: RunningBridge, jpeg: Path) -> None:
    """The first image pays for the loading of the network, which on a busy machine outlasts the bridge's patience."""
    until_s = time.monotonic() + _START_WITHIN_S
    answer = _first_answer(bridge, jpeg)
    while answer.status_code == httpx.codes.SERVICE_UNAVAILABLE and time.monotonic() < until_s:
        time.sleep(_REST_S)
        answer = _first_answer(bridge, jpeg)
    if answer.status_code != httpx.codes.OK:
        raise Broken(where="the bridge", got=answer.text, wanted="detections", next_step="see what it got")


def _first_answer(bridge: RunningBridge, jpeg: Path) -> httpx.Response:
    return httpx.post(
        f"http://127.0.0.1:{bridge.port}/v1/infer",
        content=jpeg.read_bytes(),
        headers={"Content-Type": "image/jpeg", "Authorization": f"Bearer {bridge.token}"},
        timeout=_START_WITHIN_S,
    )


@contextmanager
def _probe(module: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", f"trunnion.bench.{module}", *map(str, arguments)]
    with subprocess.Popen(
        command, env=_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _in_turns(probes: list[subprocess.Popen[str]], rounds: int, round_s: float) -> list[list[dict[str, Any]]]:
    """What each probe tells of each round; the first changes from round to round."""
    told: list[list[dict[str, Any]]] = [[] for _ in probes]
    for turn in range(rounds):
        for place in range(len(probes)):
            index = (turn + place) % len(probes)
            time.sleep(_REST_S)
            told[index].append(_ask(probes[index], round_s))
    return told


def _ask(probe: subprocess.Popen[str], seconds: float) -> dict[str, Any]:
    assert probe.stdin
    probe.stdin.write(f"{seconds}\n")
    probe.stdin.flush()
    told: dict[str, Any] = _told(probe)
    return told


def _told(probe: subprocess.Popen[str]) -> Any:
    """The next line of what a probe says."""
    assert probe.stdout
    line = probe.stdout.readline()
    if not line:
        raise Broken(
            where="the bench", got="a probe that ended", wanted="its figures", next_step="see its words above"
        )
    return json.loads(line)


def _seconds_per_image(told: list[dict[str, Any]]) -> list[float]:
    return [answer["seconds"] / answer["images"] for answer in told]
