from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from sqlalchemy import URL
from tests.bridge.postgres import Postgres, running_postgres
from tests.bridge.running import (
    CellRobot,
    RunningBridge,
    a_free_port,
    make_bundle,
    running_bridge,
    running_cell,
)

from trunnion_bridge.database import sqlite_url

NODES = ("simulated_robot", "detector", "policy", "sorter")


@pytest.fixture(scope="package")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="package")
def the_cell(ros_process_environment: dict[str, str]) -> Iterator[CellRobot]:
    with running_cell(ros_process_environment) as cell:
        yield cell


@pytest.fixture
def cell(the_cell: CellRobot) -> Iterator[CellRobot]:
    """The cell, which forgets what a test told it, and has a full tray for the next."""
    yield the_cell
    the_cell.say("sorter quick")
    the_cell.say("restock")
    for node in NODES:
        the_cell.say(f"wake {node}")


@pytest.fixture(scope="package")
def shared_data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the bridge of most tests keeps its orders."""
    return tmp_path_factory.mktemp("orders")


@pytest.fixture(scope="package")
def the_bridge(
    ros_process_environment: dict[str, str], bundle: Path, shared_data_dir: Path
) -> Iterator[RunningBridge]:
    with running_bridge(ros_process_environment, bundle, shared_data_dir, a_free_port()) as bridge:
        yield bridge


@pytest.fixture
def bridge(the_bridge: RunningBridge, cell: CellRobot) -> Iterator[RunningBridge]:
    """A bridge to a cell that is ready; it leaves the next test no order."""
    the_bridge.until_ready()
    yield the_bridge
    cell.say("sorter quick")
    the_bridge.cancel_all()


@pytest.fixture
def start_bridge(
    ros_process_environment: dict[str, str], bundle: Path, tmp_path: Path
) -> Callable[..., AbstractContextManager[RunningBridge]]:
    """Start a bridge of the test's own; each start finds the orders of the one before."""
    port = a_free_port()

    def start(
        *arguments: str, environment: dict[str, str] = ros_process_environment
    ) -> AbstractContextManager[RunningBridge]:
        return running_bridge(environment, bundle, tmp_path / "data", port, *arguments)

    return start


@pytest.fixture
def lonely_environment(ros_process_environment: dict[str, str]) -> dict[str, str]:
    """A ROS domain without the cell of the other tests, below those that tests/conftest.py takes."""
    return {**ros_process_environment, "ROS_DOMAIN_ID": str(1 + os.getpid() % 39)}


@pytest.fixture(scope="package")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "bridge.db")
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_database()
