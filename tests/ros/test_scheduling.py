"""A thread that must keep time goes first where it may, and says what it is scheduled as."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from trunnion_inference.scheduling import PRIORITY

IMPORTS = "import os; from trunnion_inference.scheduling import keep_time, take_turns"
NOBODY = 65534


def told(*steps: str) -> tuple[str, int]:
    """What the last step says and how the thread is scheduled then, in a process that may go before others."""
    *before, last = steps
    program = "; ".join([IMPORTS, *before, f"print({last}, os.sched_getscheduler(0), sep='|')"])
    answer = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    said, policy = answer.stdout.strip().split("|")
    return said, int(policy)


def test_what_it_says_is_what_is_so() -> None:
    said, policy = told("keep_time()")
    assert (said, policy) in [
        (f"real time, priority {PRIORITY}", os.SCHED_FIFO),
        ("normal: no right to a real-time priority (Operation not permitted)", os.SCHED_OTHER),
    ]


def test_priority_0_asks_for_nothing() -> None:
    assert told("keep_time(0)") == ("normal, as asked", os.SCHED_OTHER)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody without the right")
def test_without_the_right_it_goes_on_as_it_was() -> None:
    said, policy = told(f"os.setuid({NOBODY})", "keep_time()")
    assert said.startswith("normal: no right to a real-time priority")
    assert policy == os.SCHED_OTHER


def test_a_thread_takes_turns_again_when_it_need_not_keep_time() -> None:
    assert told("keep_time()", "take_turns()") == ("None", os.SCHED_OTHER)
