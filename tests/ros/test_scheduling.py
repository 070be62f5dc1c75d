"""A thread that must keep time goes first where it may, and says what it is scheduled as."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from trunnion_inference.scheduling import PRIORITY

IMPORTS = "import os; from trunnion_inference.scheduling import TimeKeeping; keeping = TimeKeeping()"
NOBODY = 65534
NORMAL = str(os.SCHED_OTHER)


def told(*steps: str, last: str = "os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK") -> tuple[str, str]:
    """What it says after these steps, and `last`, in a process that may go before others."""
    program = "; ".join([IMPORTS, *steps, f"print(keeping.said, {last}, sep='|')"])
    answer = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    said, policy = answer.stdout.strip().split("|")
    return said, policy


def test_what_it_says_is_what_is_so() -> None:
    assert told("keeping.begin()") in [
        (f"real time, priority {PRIORITY}", str(os.SCHED_FIFO)),
        ("as it was started: no right to a real-time priority (Operation not permitted)", NORMAL),
    ]


def test_priority_0_asks_for_nothing_and_takes_nothing() -> None:
    assert told("keeping.begin(0)") == ("as it was started", NORMAL)
    batch = "os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))"
    assert told(batch, "keeping.begin(0)", "keeping.end()")[1] == str(os.SCHED_BATCH)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody without the right")
def test_without_the_right_it_goes_on_as_it_was() -> None:
    said, policy = told(f"os.setuid({NOBODY})", "keeping.begin()")
    assert said.startswith("as it was started: no right to a real-time priority")
    assert policy == NORMAL


def test_afterwards_the_thread_is_scheduled_as_it_was_before() -> None:
    batch = "os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))"
    assert told(batch, "keeping.begin()", "keeping.begin()", "keeping.end()") == ("", str(os.SCHED_BATCH))


def test_what_the_thread_starts_is_scheduled_as_usual() -> None:
    child = "__import__('subprocess').check_output(['chrt', '-p', '0'], text=True).count('SCHED_OTHER')"
    assert told("keeping.begin()", last=child)[1] == "1"


PINNED = """
import os, sys, threading, time
from trunnion_inference.scheduling import stay_off_pinned_cores
cores = sorted(os.sched_getaffinity(0))
def stay(core):
    os.sched_setaffinity(0, {core})
    time.sleep(5)
for core in eval(sys.argv[1]):
    threading.Thread(target=stay, args=(core,), daemon=True).start()
time.sleep(0.3)
stay_off_pinned_cores()
print(sorted(os.sched_getaffinity(0)) == eval(sys.argv[2]))
"""


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is only one core to be on")
@pytest.mark.parametrize(
    ("pinned", "left"),
    [("cores[1:]", "cores[:1]"), ("cores[:1]", "cores[1:]"), ("[]", "cores"), ("cores", "cores")],
)
def test_a_thread_leaves_the_cores_that_others_of_its_process_are_pinned_to(pinned: str, left: str) -> None:
    command = [sys.executable, "-c", PINNED, pinned, left]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() == "True"
