"""The policy node's clockwork beside a busy core: how regular its commands are, and whether it ever holds too late.

`python -m trunnion.bench.policy BUNDLE --seconds 600 --cuts 1000` measures for longer than `trunnion bench` does.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from trunnion.bench.cell_nodes import running_node
from trunnion.bench.copies import quickened
from trunnion.bench.measure import Row, spread
from trunnion.checkout import cell_environment
from trunnion_contract.bundle import Bundle, open_bundle

SECONDS, CUTS = 20.0, 60
# Faster than the cell needs it, as a servo loop wants it.
RATE_HZ = 50.0
GOAL_AGE_MAX_S = 0.3
# A hold comes with the first period after an input went stale, and a period may be this late.
_JITTER_MAX_S = 0.005


def rows(bundle: Bundle, seconds: float = SECONDS, cuts: int = CUTS) -> list[Row]:
    """`node.policy.*`, for the policy of the bundle in a node of its own."""
    if bundle.model.policy is None or bundle.model.cell is None:
        return []
    state_age_max_s = bundle.model.cell.limits.observation_age_max_ms / 1e3
    with TemporaryDirectory() as folder:
        seen = _probed(quickened(bundle, Path(folder), RATE_HZ), seconds, cuts)
    return [
        _jitter(seen["stamps_s"], 1 / RATE_HZ),
        _missed(seen["late_s"], {"goal": GOAL_AGE_MAX_S}, state_age_max_s, 1 / RATE_HZ),
    ]


def _probed(bundle: Path, seconds: float, cuts: int) -> dict[str, Any]:
    with running_node("policy", bundle), _busy_core():
        probe = [sys.executable, "-m", "trunnion.bench.policy_probe", str(seconds), str(cuts)]
        answer = subprocess.run(probe, env=cell_environment(), check=True, capture_output=True, text=True)
    seen: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return seen


def _jitter(stamps_s: Sequence[float], period_s: float) -> Row:
    """The 99th percentile of how far the time between two commands is from a period."""
    gaps_s = (after - before for before, after in pairwise(stamps_s))
    off_ms = [abs(gap_s - period_s) * 1e3 for gap_s in gaps_s]
    p99_ms = statistics.quantiles(off_ms, n=100)[98]
    against = f"the period of {period_s * 1e3:.0f} ms, beside one busy core"
    return Row(
        "node.policy.jitter_p99_ms", round(p99_ms, 3), "ms", against, len(off_ms), round(spread(off_ms), 3)
    )


def _missed(
    late_s: Sequence[tuple[str, float | None]], age_max_s: dict[str, float], usual_s: float, period_s: float
) -> Row:
    """Cut inputs after which the node did not hold in the first period after the input was too old."""
    missed = sum(
        late is None or late > age_max_s.get(name, usual_s) + period_s + _JITTER_MAX_S
        for name, late in late_s
    )
    against = f"{len(late_s)} inputs cut; a hold is due one period after pose, joints or goal are too old"
    return Row("node.policy.holds_missed", missed, "holds", against, len(late_s), 0.0)


@contextmanager
def _busy_core() -> Iterator[None]:
    """Keep one core busy with arithmetic."""
    spinning = multiprocessing.get_context("spawn").Process(target=_spin, daemon=True)
    spinning.start()
    try:
        yield
    finally:
        spinning.kill()
        spinning.join()


def _spin() -> None:
    parent = os.getppid()
    # A bench that is killed leaves no core busy.
    while os.getppid() == parent:
        sum(range(10_000))


def main() -> None:
    """The figures of one bundle, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--cuts", type=int, default=CUTS)
    arguments = parser.parse_args()
    measured = rows(open_bundle(arguments.bundle), arguments.seconds, arguments.cuts)
    print(json.dumps([row.to_json() for row in measured], indent=2))


if __name__ == "__main__":
    main()
