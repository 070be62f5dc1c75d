"""What a running process costs, as the kernel counts it."""

from __future__ import annotations

import os
from pathlib import Path


def cpu_s(process_id: int) -> float:
    """Seconds that all its threads have run so far."""
    # The name, in brackets, may hold spaces; user and system time are the 12th and 13th field after it.
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mib(process_id: int) -> float:
    """Memory that it has in use."""
    lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
    kib = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
    return kib / 1024


def tree_rss_mib(process_id: int) -> float:
    """Memory that it and all its children have in use; pages that they share count for each."""
    try:
        children = Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()
        return rss_mib(process_id) + sum(tree_rss_mib(int(child)) for child in children)
    except (OSError, StopIteration):  # it has ended meanwhile
        return 0.0
