"""What tests do to the simulated cluster."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import psutil

from trunnion_contract.progress import Silent

NODES = 4


def kill_a_node(cluster: Any) -> None:
    """One that is at work, as a power cut would; another one takes its place, as a cluster sees to."""
    nodes = list(cluster.worker_nodes)
    cluster.remove_node(next(filter(_works, nodes), nodes[0]), allow_graceful=False)
    cluster.add_node(num_cpus=1, **cluster.shared)


def _works(node: Any) -> bool:
    """Whether a process of it does something; Ray writes what into its title."""
    raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
    with suppress(psutil.NoSuchProcess):
        titles = ["".join(process.cmdline()) for process in raylet.children()]
        return any(title.startswith("ray::") and "IDLE" not in title for title in titles)
    return False


class KillingANode(Silent):
    """Progress that kills a node, and with it its workers, as soon as `after` steps are done; it counts steps."""

    def __init__(self, cluster: Any, after: int) -> None:
        self._cluster, self._after = cluster, after
        self.steps, self.totals, self.killed = 0, list[int](), False

    def start(self, label: str, total: int) -> None:
        self.totals.append(total)

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.steps += steps
        if self.steps >= self._after and not self.killed:
            self.killed = True
            self.at_the_kill()
            kill_a_node(self._cluster)

    def at_the_kill(self) -> None:
        """For tests that look at something then."""
