"""Orders and webhooks, while bridges, robot and the receiver of the webhooks are killed again and again.

`python -m trunnion.bench.order_soak BUNDLE FOLDER [--orders 10000] [--bridges 2]` says how it goes, and goes on where
it was stopped when it is started again with the same folder. With TRUNNION_DATABASE the orders are on PostgreSQL, and
several bridges serve them. `--robot simulated` has the real sorter with the arm in simulation.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path

from trunnion.bench.order_soak.figures import DOMAIN, environment
from trunnion.bench.order_soak.soak import ROBOTS, Soak, run
from trunnion_contract.bundle import open_bundle
from trunnion_contract.errors import TrunnionError


def main() -> int:
    """Returns the exit code: 0 when all was right, 1 when something was not, 3 when it did not come to an end."""
    soak = _given()
    began_s = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        open_bundle(soak.bundle)  # what no bridge can start with would be tried again and again
        outcome = run(soak, lambda said: print(f"{time.monotonic() - began_s:6.0f} s  {said}", flush=True))
    except KeyboardInterrupt:
        print(f"stopped; the same command goes on from here ({soak.folder})", file=sys.stderr)
        return 130
    except TrunnionError as error:
        print(error, file=sys.stderr)
        return int(error.exit_code)
    print(outcome)
    return int(not outcome.is_right)


def _given() -> Soak:
    parser = argparse.ArgumentParser(prog="order_soak", description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--bridges", type=int, default=1, help="more than one with TRUNNION_DATABASE only")
    parser.add_argument("--robot", choices=ROBOTS, default="stand-in")
    parser.add_argument("--seed", type=int, default=7, help="of the times at which something is killed")
    parser.add_argument(
        "--ros-domain", type=int, default=DOMAIN, help="one for each soak at a time (%(default)s)"
    )
    given = parser.parse_args()
    return Soak(
        given.bundle,
        given.folder,
        environment(given.ros_domain),
        given.orders,
        given.bridges,
        given.robot,
        seed=given.seed,
    )


if __name__ == "__main__":
    sys.exit(main())
