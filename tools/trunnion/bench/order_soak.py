"""Orders against a sorter of no weight, while bridges and sorter are killed again and again.

`python -m trunnion.bench.order_soak BUNDLE FOLDER [--orders 10000] [--bridges 2]` says how it goes, and goes on where
it was stopped when it is started again with the same folder. With TRUNNION_DATABASE the orders are on PostgreSQL, and
several bridges serve them.
"""

from __future__ import annotations

import argparse
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import httpx

from trunnion.bench.measure import Row
from trunnion.checkout import cell_environment
from trunnion_contract.bundle import Bundle, open_bundle
from trunnion_contract.errors import Broken, TrunnionError

_ORDER_S = 0.02
_ENDED = ("succeeded", "failed", "cancelled")
_PATIENCE_S = 180.0
_LOOK_S = 0.25
_BENCH_ORDERS = 300
_DOMAIN = "100"  # above those of the tests


@dataclass(frozen=True)
class Soak:
    """What is done, and how roughly.

    Attributes:
        folder: of this soak alone; what is in it is gone on with.
        environment: of the processes; one with TRUNNION_DATABASE lets there be more than one of the `bridges`.
        kill_every_s: the shortest and the longest time between two kills, of a bridge or of the sorter by chance.
    """

    bundle: Path
    folder: Path
    environment: Mapping[str, str]
    orders: int
    bridges: int = 1
    kill_every_s: tuple[float, float] = (2.0, 6.0)
    seed: int = 7


class Outcome(NamedTuple):
    """What came of it.

    Attributes:
        lost: orders that are not there, have not ended, have ended twice, or have succeeded without being begun.
        doubled: orders that the sorter began twice.
    """

    orders: int
    succeeded: int
    lost: int
    doubled: int
    bridge_kills: int
    sorter_kills: int
    seconds: float


class Killable:
    """A process that is started again whenever it was killed."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self._command, self._environment, self._log = command, environment, log
        self.kills = 0

    def __enter__(self) -> Killable:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def kill(self) -> None:
        """End it as a power cut does, and start it anew."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self.kills += 1
        self._start()

    def _start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=dict(self._environment), stdout=log, stderr=log
            )


class Caller:
    """Asks one bridge after the other until one answers; a caller that never gives up is what orders are safe for."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._clients = [httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10.0) for port in ports]
        self._turn = 0

    def __enter__(self) -> Caller:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients:
            client.close()

    def ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        """An answer that is neither a refusal for now nor for want of a token.

        Raises:
            Broken: nobody gave one for minutes.
        """
        until_s = time.monotonic() + _PATIENCE_S
        said = "nothing"
        while time.monotonic() < until_s:
            client = self._clients[self._turn % len(self._clients)]
            try:
                answer = client.request(method, path, **request)
                if answer.status_code == httpx.codes.UNAUTHORIZED:
                    token = client.post("/v1/session").json()["token"]
                    client.headers["Authorization"] = f"Bearer {token}"
                    client.cookies.clear()
                elif answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                    return answer
                else:
                    said = answer.text
                    time.sleep(0.1)
            except (httpx.TransportError, KeyError, ValueError) as error:
                said = repr(error)
                time.sleep(0.05)
            self._turn += 1
        raise Broken(
            where="the bridges", got=said, wanted="an answer", next_step="see their logs in the folder"
        )


def rows(bundle: Bundle, orders: int = _BENCH_ORDERS) -> list[Row]:
    """`bridge.orders.lost` and `.doubled` of a short soak; both are to be 0."""
    with TemporaryDirectory() as folder:
        outcome = run(Soak(bundle.path, Path(folder), environment(), orders))
    kills = f"{outcome.bridge_kills} kills of the bridge and {outcome.sorter_kills} of the sorter"
    against = f"{kills}, {outcome.seconds:.0f} s"
    return [
        Row("bridge.orders.lost", outcome.lost, "orders", against, orders, 0.0),
        Row("bridge.orders.doubled", outcome.doubled, "orders", against, orders, 0.0),
    ]


def environment() -> dict[str, str]:
    """Of a cell of the soak's own: no other is to get its orders."""
    return {**cell_environment(), "ROS_DOMAIN_ID": _DOMAIN}


def run(soak: Soak, tell: Callable[[str], object] = lambda _: None) -> Outcome:
    """Post the orders, kill what serves them until all have ended, then count.

    Raises:
        Broken: nothing goes on any more.
    """
    soak.folder.mkdir(parents=True, exist_ok=True)
    ports = [_free_port() for _ in range(soak.bridges)]
    began_s = time.monotonic()
    with ExitStack() as stack:
        sorter = stack.enter_context(_sorter(soak))
        bridges = [stack.enter_context(_bridge(soak, index, port)) for index, port in enumerate(ports)]
        caller = stack.enter_context(Caller(ports))
        with Caller(ports) as posting, _posting(soak, posting):
            _harass(soak, caller, bridges, sorter, tell)
        lost, succeeded = _lost(soak, caller)
    return Outcome(
        orders=soak.orders,
        succeeded=succeeded,
        lost=lost,
        doubled=sum(count > 1 for count in _begun(soak).values()),
        bridge_kills=sum(bridge.kills for bridge in bridges),
        sorter_kills=sorter.kills,
        seconds=time.monotonic() - began_s,
    )


def _harass(
    soak: Soak,
    caller: Caller,
    bridges: Sequence[Killable],
    sorter: Killable,
    tell: Callable[[str], object],
) -> None:
    """Kill one or the other until all orders have ended."""
    rng, before, advanced_s = random.Random(soak.seed), 0, time.monotonic()
    while (ended := _ended(caller)) < soak.orders:
        if ended == before:  # what was killed last is not up again: to kill more would only stop all
            if time.monotonic() - advanced_s > _PATIENCE_S:
                raise _stuck(soak, ended)
            time.sleep(_LOOK_S)
            continue
        before, advanced_s = ended, time.monotonic()
        kills = sum(bridge.kills for bridge in bridges)
        tell(
            f"{ended} of {soak.orders} orders have ended; bridges killed {kills}, sorter {sorter.kills} times"
        )
        time.sleep(rng.uniform(*soak.kill_every_s))
        rng.choice([*bridges, sorter]).kill()


def _stuck(soak: Soak, ended: int) -> Broken:
    return Broken(
        where="the orders",
        got=f"{ended} of {soak.orders} that have ended, and none more for minutes",
        wanted="all",
        next_step=f"see the logs in {soak.folder}",
    )


@contextmanager
def _posting(soak: Soak, caller: Caller) -> Iterator[None]:
    poster = threading.Thread(target=_post_all, args=(soak, caller), name="poster", daemon=True)
    poster.start()
    yield
    poster.join(_PATIENCE_S)


def _post_all(soak: Soak, caller: Caller) -> None:
    """Post what was not acknowledged yet; each id stands in a file as soon as it was."""
    layout = open_bundle(soak.bundle).model.cell
    assert layout is not None
    lines = [{"part": next(iter(layout.part_heights_m)), "quantity": 1}]
    body = {"lines": lines, "bin": next(iter(layout.bins))}
    with (soak.folder / "posted").open("a") as posted:
        for index in range(len(_posted(soak)), soak.orders):
            answer = caller.ask("POST", "/v1/orders", json=body, headers={"Idempotency-Key": f"soak-{index}"})
            posted.write(f"{answer.json()['id']}\n")
            posted.flush()


def _lost(soak: Soak, caller: Caller) -> tuple[int, int]:
    """How many orders did not end exactly once, and how many succeeded."""
    begun, lost, succeeded = _begun(soak), 0, 0
    for order_id in _posted(soak):
        order = caller.ask("GET", f"/v1/orders/{order_id}").json()
        ends = [event for event in order.get("events", ()) if event["state"] in _ENDED]
        has_succeeded = order.get("state") == "succeeded"
        succeeded += has_succeeded
        lost += len(ends) != 1 or (has_succeeded and not begun[order_id])
    return lost + soak.orders - len(_posted(soak)), succeeded


def _ended(caller: Caller) -> int:
    lines = caller.ask("GET", "/metrics").text.splitlines()
    counts = dict(line.rsplit(" ", 1) for line in lines if line.startswith("trunnion_orders{"))
    return int(sum(float(counts.get(f'trunnion_orders{{state="{state}"}}', 0)) for state in _ENDED))


def _posted(soak: Soak) -> list[str]:
    return _whole_lines(soak.folder / "posted")


def _begun(soak: Soak) -> Counter[str]:
    return Counter(_whole_lines(soak.folder / "begun"))


def _whole_lines(file: Path) -> list[str]:
    text = file.read_text() if file.exists() else ""
    return text[: text.rfind("\n") + 1].split()


def _sorter(soak: Soak) -> Killable:
    command = [sys.executable, "-m", "trunnion.bench.sorter_probe", str(soak.folder / "begun"), str(_ORDER_S)]
    return Killable(command, soak.environment, soak.folder / "sorter.log")


def _bridge(soak: Soak, index: int, port: int) -> Killable:
    folder = soak.folder / f"bridge-{index}"
    folder.mkdir(exist_ok=True)
    program = [sys.executable, "-m", "trunnion_bridge.main", "--port", str(port), "--nodes", "sorter"]
    command = [
        *program,
        "--bundle",
        str(soak.bundle.resolve()),
        "--data-dir",
        str(folder),
        "--rate-per-s",
        "1e6",
    ]
    return Killable(command, soak.environment, folder / "bridge.log")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def main() -> int:
    """Returns the exit code: 0 when no order was lost or doubled, 1 when one was, 3 when it did not come to an end."""
    parser = argparse.ArgumentParser(prog="order_soak", description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--bridges", type=int, default=1, help="more than one with TRUNNION_DATABASE only")
    parser.add_argument("--seed", type=int, default=7, help="of the times at which something is killed")
    given = parser.parse_args()
    soak = Soak(given.bundle, given.folder, environment(), given.orders, given.bridges, seed=given.seed)
    began_s = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        open_bundle(given.bundle)  # what no bridge can start with would be tried again and again
        outcome = run(soak, lambda said: print(f"{time.monotonic() - began_s:6.0f} s  {said}", flush=True))
    except KeyboardInterrupt:
        print(f"stopped; the same command goes on from here ({given.folder})", file=sys.stderr)
        return 130
    except TrunnionError as error:
        print(error, file=sys.stderr)
        return int(error.exit_code)
    print(outcome)
    return int(bool(outcome.lost or outcome.doubled))


if __name__ == "__main__":
    sys.exit(main())
