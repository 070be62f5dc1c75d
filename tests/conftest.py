"""What every test may ask for: the checkout, the environment of ROS processes, a port and a ROS domain of its own."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from trunnion.environment import RECORD, ros_environment

ROOT = Path(__file__).resolve().parents[1]
DOMAINS = range(40, 100)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# A simulated Ray cluster takes seven minutes and both cores: it runs where it is asked for by name.
CLUSTER = ROOT / "tests" / "training" / "cluster"
# Two processes share the tests (`make test`). What has a robot, a bridge or a browser stays in one of them, so that
# these neither start twice nor disturb each other; so does the flow, whose run is made once. All else goes by file.
LANES = {"flow": "flow", "ros": "live", "bridge": "live", "browser": "live"}

# How long an example takes says more about the machine's other work than about the code.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


def pytest_configure(config: pytest.Config) -> None:
    """Tests import rclpy and the built packages, whose libraries are found only by a process started for them."""
    if not (ROOT / RECORD).is_file():
        pytest.exit("the ROS workspace is not built: run `make setup`", returncode=2)
    wanted = ros_environment(ROOT, os.environ)
    if os.environ.get("LD_LIBRARY_PATH") != wanted["LD_LIBRARY_PATH"]:
        pytest.exit("run `make test`, or `. tools/setup/env.sh` before pytest", returncode=2)
    for name in ("FASTRTPS_DEFAULT_PROFILES_FILE", "ROS_AUTOMATIC_DISCOVERY_RANGE", "ROS_LOG_DIR"):
        os.environ[name] = wanted[name]
    # Each tracked command takes seconds for MLflow; the tests of tracking turn it on.
    os.environ.setdefault("TRUNNION_TRACKING", "off")
    # Other tests or a running cell on this machine must not hear ours.
    os.environ["ROS_DOMAIN_ID"] = str(DOMAINS[os.getpid() % len(DOMAINS)])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long lanes first, so that neither process is left with one of them at the end."""
    order = {"flow": 0, "live": 1}
    items.sort(key=lambda item: order.get(lane_of(item.nodeid), 2))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Hands out lanes and files where xdist would hand out single tests."""
    return Lanes(config, log)


class Lanes(LoadScopeScheduling):
    """A process takes a lane, or a file, as a whole."""

    def _split_scope(self, nodeid: str) -> str:
        return lane_of(nodeid)


def lane_of(nodeid: str) -> str:
    """The lane of a test, by default its file."""
    file = nodeid.partition("::")[0]
    return LANES.get(file.split("/")[1], file)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Without a browser, tests/browser does not run; tools/setup/browser.sh has said so, and how to have it."""
    without_browser = collection_path == ROOT / "tests" / "browser" and not any(map(shutil.which, BROWSERS))
    unasked = collection_path == CLUSTER and not is_cluster_named(config)
    return True if without_browser or unasked else None


def is_cluster_named(config: pytest.Config) -> bool:
    """Whether this run was asked for the tests on a simulated Ray cluster."""
    named = (
        Path(config.invocation_params.dir, argument.split("::")[0]).resolve() for argument in config.args
    )
    return any(path == CLUSTER or CLUSTER in path.parents for path in named)


def pytest_report_header(config: pytest.Config) -> list[str]:
    said = []
    if not is_cluster_named(config):
        said.append("NOT RUN: tests/training/cluster, five minutes (make test TESTS=tests/training/cluster)")
    if not any(map(shutil.which, BROWSERS)):
        said.append("NOT RUN: tests/browser, because this machine has no chromium (apt-get install chromium)")
    if not (shutil.which("initdb") or [*Path("/").glob("usr/lib/postgresql/*/bin/initdb")]):
        said.append("NOT RUN: tests/bridge on PostgreSQL, because there is none (apt-get install postgresql)")
    if not shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin"):
        said.append("NOT RUN: tests/bridge over MQTT, because there is no broker (apt-get install mosquitto)")
    return said


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return ROOT


@pytest.fixture
def ros_domain() -> int:
    """The ROS domain of this test process."""
    return int(os.environ["ROS_DOMAIN_ID"])


@pytest.fixture(scope="session")
def ros_process_environment() -> dict[str, str]:
    """Variables for a subprocess that speaks ROS, in this test process's domain."""
    return ros_environment(ROOT, os.environ)


@pytest.fixture
def free_port() -> int:
    """A TCP port on loopback that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
