"""A soak: orders are posted, what serves them is killed until all have ended and been told, then they are counted."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from trunnion.bench.order_soak.account import ENDED, account
from trunnion.bench.order_soak.caller import PATIENCE_S, Caller
from trunnion.bench.order_soak.deliveries import Deliveries, held_against
from trunnion.bench.order_soak.journal import Journal, lines_of
from trunnion.bench.order_soak.killable import Killable
from trunnion.bench.order_soak.receiver import HEARD
from trunnion.bench.order_soak.robots import Robot, RunningRobot, Victim, stand_in
from trunnion.bench.order_soak.simulated import simulated
from trunnion.bench.order_soak.subscription import KEY_VARIABLE, free_port, subscribe, webhook_key
from trunnion_contract.bundle import open_bundle
from trunnion_contract.errors import Broken

ROBOTS: Mapping[str, Callable[[Path, Path, Mapping[str, str]], RunningRobot]] = {
    "stand-in": stand_in,
    "simulated": simulated,
}
_LOOK_S = 0.25
_POSTED, _KILLED = "posted", "killed"


@dataclass(frozen=True)
class Soak:
    """What is done, and how roughly.

    Attributes:
        folder: of this soak alone; what is in it is gone on with.
        environment: of the processes; one with TRUNNION_DATABASE lets there be more than one of the `bridges`.
        robot: a key of ROBOTS.
        kill_every_s: the shortest and the longest time between two kills, of whatever runs by chance; None is what
            suits the robot.
    """

    bundle: Path
    folder: Path
    environment: Mapping[str, str]
    orders: int
    bridges: int = 1
    robot: str = "stand-in"
    kill_every_s: tuple[float, float] | None = None
    seed: int = 7


class Outcome(NamedTuple):
    """What came of it; see Account and Deliveries. `kills` are counted over all runs, `seconds` those of the last."""

    orders: int
    succeeded: int
    lost: int
    doubled: int
    webhooks: Deliveries
    kills: Mapping[str, int]
    seconds: float

    @property
    def is_right(self) -> bool:
        """Whether each order ended once, was begun at most once, and was told from its beginning to its end."""
        return not (self.lost or self.doubled) and self.webhooks.are_right


class Progress(NamedTuple):
    """How many orders have ended, and how many messages are still to be delivered."""

    ended: int
    untold: int


def run(soak: Soak, tell: Callable[[str], object] = lambda _: None) -> Outcome:
    """Post the orders, kill what serves them until all have ended and been told, then count.

    Raises:
        Broken: nothing goes on any more.
    """
    soak.folder.mkdir(parents=True, exist_ok=True)
    ports = [free_port() for _ in range(soak.bridges)]
    began_s = time.monotonic()
    with ExitStack() as stack:
        robot = stack.enter_context(ROBOTS[soak.robot](soak.bundle, soak.folder, soak.environment))
        bridges = [stack.enter_context(_bridge(soak, robot, *place)) for place in enumerate(ports)]
        caller = stack.enter_context(Caller(ports))
        webhook = subscribe(soak.folder, caller)
        victims = [*bridges, *robot.victims, stack.enter_context(_receiver(soak))]
        with Caller(ports) as posting, _posting(soak, robot, posting):
            _harass(soak, robot, victims, lambda: _progress(caller, webhook.webhook_id), tell)
        counted = account(caller, soak.orders, _posted(soak), robot.begun())
    return Outcome(
        orders=soak.orders,
        succeeded=counted.succeeded,
        lost=counted.lost,
        doubled=counted.doubled,
        webhooks=held_against(counted.events, lines_of(soak.folder / HEARD)),
        kills=_kills(soak),
        seconds=time.monotonic() - began_s,
    )


def _harass(
    soak: Soak,
    robot: Robot,
    victims: Sequence[Victim],
    look: Callable[[], Progress],
    tell: Callable[[str], object],
) -> None:
    """Kill one after the other until all orders have ended and been told."""
    rng, before, advanced_s = random.Random(soak.seed), Progress(-1, 0), time.monotonic()
    with Journal(soak.folder / _KILLED) as killed:
        while (now := look()) != (soak.orders, 0):
            if not _is_further(now, before, soak.orders):
                # What was killed last is not up again: to kill more would only stop all.
                if time.monotonic() - advanced_s > PATIENCE_S:
                    raise _stuck(soak, now)
                time.sleep(_LOOK_S)
                continue
            before, advanced_s = now, time.monotonic()
            kills = ", ".join(f"{kind} {count}" for kind, count in sorted(_kills(soak).items()))
            tell(
                f"{now.ended} of {soak.orders} orders have ended, {now.untold} messages wait; killed: {kills or 'none'}"
            )
            time.sleep(rng.uniform(*soak.kill_every_s or robot.kill_every_s))
            victim = _chosen(victims, rng)
            victim.kill()
            killed.write(victim.kind)


def _chosen(victims: Sequence[Victim], rng: random.Random) -> Victim:
    """Each kind as often as any other, however many there are of it."""
    kind = rng.choice(sorted({victim.kind for victim in victims}))
    return rng.choice([victim for victim in victims if victim.kind == kind])


def _is_further(now: Progress, before: Progress, orders: int) -> bool:
    """Whether orders have ended; once all have, whether messages were delivered."""
    return now.ended != before.ended or (now.ended == orders and now.untold != before.untold)


def _stuck(soak: Soak, now: Progress) -> Broken:
    return Broken(
        where="the orders",
        got=f"{now.ended} of {soak.orders} that have ended, {now.untold} messages that wait, and no change for minutes",
        wanted="all ended, none waiting",
        next_step=f"see the logs in {soak.folder}",
    )


@contextmanager
def _posting(soak: Soak, robot: Robot, caller: Caller) -> Iterator[None]:
    is_over = threading.Event()
    poster = threading.Thread(
        target=_post_all, args=(soak, robot, caller, is_over), name="poster", daemon=True
    )
    poster.start()
    try:
        yield
    finally:
        is_over.set()
        poster.join(PATIENCE_S)


def _post_all(soak: Soak, robot: Robot, caller: Caller, is_over: threading.Event) -> None:
    """Post what was not acknowledged yet; each id stands in a file as soon as it was."""
    layout = open_bundle(soak.bundle).model.cell
    assert layout is not None
    parts, bin_name = list(layout.part_heights_m), next(iter(layout.bins))
    with Journal(soak.folder / _POSTED) as posted:
        for index in range(len(_posted(soak)), soak.orders):
            if robot.tray_orders and index % robot.tray_orders == 0:
                while _ended(caller) < index and not is_over.wait(_LOOK_S):
                    pass
                robot.refill()
            if is_over.is_set():
                return
            body = {"lines": [{"part": parts[index % len(parts)], "quantity": 1}], "bin": bin_name}
            answer = caller.ask("POST", "/v1/orders", json=body, headers={"Idempotency-Key": f"soak-{index}"})
            posted.write(answer.json()["id"])


def _progress(caller: Caller, webhook_id: str) -> Progress:
    return Progress(_ended(caller), caller.ask("GET", f"/v1/webhooks/{webhook_id}").json()["backlog"])


def _ended(caller: Caller) -> int:
    lines = caller.ask("GET", "/metrics").text.splitlines()
    counts = dict(line.rsplit(" ", 1) for line in lines if line.startswith("trunnion_orders{"))
    return int(sum(float(counts.get(f'trunnion_orders{{state="{state}"}}', 0)) for state in ENDED))


def _posted(soak: Soak) -> list[str]:
    return lines_of(soak.folder / _POSTED)


def _kills(soak: Soak) -> Counter[str]:
    return Counter(lines_of(soak.folder / _KILLED))


def _receiver(soak: Soak) -> Killable:
    command = [sys.executable, "-m", "trunnion.bench.order_soak.receiver", str(soak.folder)]
    return Killable("receiver", command, soak.environment, soak.folder / "receiver.log")


def _bridge(soak: Soak, robot: Robot, index: int, port: int) -> Killable:
    folder = soak.folder / f"bridge-{index}"
    folder.mkdir(exist_ok=True)
    program = [sys.executable, "-m", "trunnion_bridge.main", "--port", str(port), "--rate-per-s", "1e6"]
    command = [
        *program,
        *("--nodes", ",".join(robot.nodes)),
        *("--bundle", str(soak.bundle.resolve())),
        *("--data-dir", str(folder)),
    ]
    environment = {KEY_VARIABLE: webhook_key(soak.folder), **soak.environment}
    return Killable("bridge", command, environment, folder / "bridge.log")
