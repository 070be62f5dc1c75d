"""Starting the cell and staying with it: checks first, then the processes, then whoever dies is named."""

from __future__ import annotations

import errno
import os
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from trunnion.checkout import ROOT, cell_environment
from trunnion.exclusive import only_one
from trunnion.orders import Bridge
from trunnion.stopped import raise_if_stop_requested
from trunnion.watchers import watching
from trunnion_contract.bundle import open_bundle
from trunnion_contract.errors import BadInput, Broken, ExitCode

if TYPE_CHECKING:
    from trunnion_bringup.processes import Cell
    from trunnion_bringup.table import NodeEntry

READY_WITHIN_S = 60.0
HEARD_WITHIN_S = 10.0
_POLL_S = 0.2


@dataclass(frozen=True)
class CellPlan:
    """What is to be started, and the folder for its orders and logs."""

    bundle: Path
    folder: Path
    host: str
    port: int
    robot: str = "simulated"
    seed: int = 0
    oidc_issuer: str = ""
    oidc_audience: str = ""

    @property
    def url(self) -> str:
        """Where the live page and the API will be."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def newest_bundle(runs: Path) -> Path:
    """The bundle that was packed last under `runs`."""
    bundles = sorted(runs.glob("*/pack/*.trunnion"), key=lambda path: path.stat().st_mtime)
    if not bundles:
        raise BadInput(
            where=str(runs),
            got="no packed bundle",
            wanted="a run that passed its gates",
            next_step="trunnion run training/usecases/sorting_cell.yaml, or name one with --bundle",
        )
    return bundles[-1]


def stay_up(plan: CellPlan, console: Console) -> ExitCode:
    """Run the cell until Ctrl-C, which is its good end; 3 when a node died meanwhile."""
    with running_cell(plan, console) as cell:
        console.print(f"the cell is up: [bold]{plan.url}[/]  (Ctrl-C stops it)")
        return watch_until_stopped(cell, console)


@contextmanager
def running_cell(plan: CellPlan, console: Console) -> Iterator[Cell]:
    """A cell that is ready for orders; it is stopped when the block ends, however it ends.

    Raises:
        BadInput: the bundle cannot be used, the port is taken, or a cell of this checkout or ROS domain runs already.
        Broken: the workspace is not built, or a node does not start.
    """
    open_bundle(plan.bundle)
    environment = cell_environment()
    with (
        only_one(ROOT / "runs" / ".cell.lock", "running the cell of this checkout"),
        only_cell_of(environment),
    ):
        cell = _cell(plan, environment)
        check_port(plan.host, plan.port)
        try:
            cell.start()
            with watching(console) as progress:
                cell.wait_ready(READY_WITHIN_S, progress)
                if not plan.oidc_issuer:  # with one, there may be nobody here who has a token
                    wait_until_heard(plan.url)
            yield cell
        finally:
            _stop(cell, console)


def wait_until_heard(url: str, patience_s: float = HEARD_WITHIN_S) -> None:
    """Wait until the bridge, too, has heard of every node: who asks it from now on is not told that one is awaited.

    Raises:
        Broken: it does not answer, or still awaits a node after `patience_s`.
    """
    deadline_s = time.monotonic() + patience_s
    with Bridge(url) as bridge:
        while awaited := [node["name"] for node in bridge.state()["nodes"] if node["state"] == "awaited"]:
            raise_if_stop_requested()
            if time.monotonic() > deadline_s:
                raise Broken(
                    where=f"the bridge at {url}",
                    got=f"no heartbeat of {', '.join(awaited)} within {patience_s:.0f} s",
                    wanted="word of every node",
                    next_step="start the cell again; trunnion doctor looks at the machine",
                )
            time.sleep(_POLL_S)


@contextmanager
def only_cell_of(environment: Mapping[str, str]) -> Iterator[None]:
    """Keep other checkouts of this user out of the ROS domain: cells in one domain would command each other's arm."""
    domain = environment.get("ROS_DOMAIN_ID") or "0"
    if not domain.isdecimal():
        wanted = "a whole number"
        raise BadInput(
            where="ROS_DOMAIN_ID", got=f"'{domain}'", wanted=wanted, next_step="correct or unset it"
        )
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    lock = Path(base) / "trunnion" / f"cell-of-domain-{int(domain)}.lock"
    with only_one(lock, f"running a cell in ROS domain {domain}", "set ROS_DOMAIN_ID to another number"):
        yield


def check_port(host: str, port: int) -> None:
    """Raises BadInput where the bridge could not listen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise _refused_address(host, port, family, error) from None


def _refused_address(host: str, port: int, family: socket.AddressFamily, error: OSError) -> BadInput:
    if error.errno in (errno.EADDRINUSE, errno.EACCES):
        free = _free_port(host, family)
        return BadInput(
            where="--port",
            got=f"port {port} of {host}, which cannot be used ({error.strerror})",
            wanted="a free port",
            next_step=f"choose another one: --port {free} (make demo PORT={free})",
        )
    return BadInput(
        where="--host",
        got=f"'{host}' ({error.strerror})",
        wanted="an address of this machine",
        next_step="leave --host away for this machine alone",
    )


def watch_until_stopped(cell: Cell, console: Console) -> ExitCode:
    """Name each node that dies, until Ctrl-C or until none is left."""
    named = 0
    try:
        while cell.process_ids:
            deaths = cell.poll()
            for death in deaths[named:]:
                console.print(f"[bold red]{death}[/]; the arm holds, orders fail", highlight=False)
                console.print(
                    "\n".join(f"    {line}" for line in death.last_lines), highlight=False, markup=False
                )
                console.print(
                    f"  next: read {cell.log_file(death.name)}, then stop with Ctrl-C and start again"
                )
            named = len(deaths)
            raise_if_stop_requested()
            time.sleep(_POLL_S)
    except KeyboardInterrupt:
        pass
    return ExitCode.BROKEN if named else ExitCode.OK


def _cell(plan: CellPlan, environment: dict[str, str]) -> Cell:
    from trunnion_bringup.processes import Cell

    return Cell(_entries(plan), environment, plan.folder.resolve() / "logs")


def _entries(plan: CellPlan) -> list[NodeEntry]:
    """The rows of the cell's table for this plan; the bridge checks its own settings once more when it starts."""
    from trunnion_bridge.settings import Oidc, Settings
    from trunnion_bringup.table import ROBOTS, CellSettings, cell_nodes

    if plan.robot not in ROBOTS:
        wanted = f"one of {', '.join(ROBOTS)}"
        raise BadInput(where="--robot", got=plan.robot, wanted=wanted, next_step="name one of those")
    bundle, data_dir = plan.bundle.resolve(), plan.folder.resolve()
    has_issuer = plan.oidc_issuer or plan.oidc_audience
    oidc = Oidc(plan.oidc_issuer, plan.oidc_audience) if has_issuer else None
    Settings(bundle, data_dir, host=plan.host, port=plan.port, oidc=oidc)
    settings = CellSettings(
        bundle=str(bundle),
        data_dir=str(data_dir),
        robot=plan.robot,
        seed=plan.seed,
        host=plan.host,
        port=plan.port,
        oidc_issuer=plan.oidc_issuer,
        oidc_audience=plan.oidc_audience,
    )
    return list(cell_nodes(settings))


def _stop(cell: Cell, console: Console) -> None:
    """Stop all processes; a second signal, meant to hurry, must not leave one of them behind."""
    previous = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        console.print("stopping the cell")
        cell.stop()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _free_port(host: str, family: socket.AddressFamily) -> int:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
