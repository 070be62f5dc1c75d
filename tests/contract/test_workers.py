"""Workers leave Ctrl-C to their parent, do not outlive it, and are not missed in silence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trunnion_contract.errors import Broken
from trunnion_contract.workers import worker_pool

PROGRAM = """
import os, sys, time
from trunnion_contract.workers import worker_pool

def work(number):
    print(os.getpid(), flush=True)
    time.sleep(60)

if __name__ == "__main__":
    with worker_pool(2) as pool:
        try:
            print("begun", flush=True)
            list(pool.map(work, range(2)))
        finally:
            print("ended", flush=True)
            for process in pool._processes.values():
                process.kill()
"""


@pytest.fixture
def parent(tmp_path: Path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, program]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        yield process
        process.kill()


def is_gone(process_id: int, patience_s: float = 10) -> bool:
    deadline_s = time.monotonic() + patience_s
    while time.monotonic() < deadline_s:
        if not Path(f"/proc/{process_id}").exists():
            return True
        time.sleep(0.05)
    return False


def test_ctrl_c_is_silent_even_while_the_workers_load(parent) -> None:
    assert parent.stdout.readline() == "begun\n"
    os.killpg(parent.pid, signal.SIGINT)
    out, err = parent.communicate(timeout=60)
    assert "ended" in out
    # The one traceback is the parent's own.
    assert err.count("Traceback") == 1
    assert "spawn_main" not in err


PROGRAM_WITH_A_THREAD = """
import os, signal, threading, time
from multiprocessing import util
from trunnion_contract.workers import worker_pool

start = util.spawnv_passfds

def start_and_press_ctrl_c(*arguments):
    # The new process waits to be told what to do; the signal goes to the thread, which nobody keeps from it.
    process_id = start(*arguments)
    if "spawn_main" in str(arguments):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.2)
    return process_id

if __name__ == "__main__":
    threading.Thread(target=time.sleep, args=(5,), daemon=True).start()
    util.spawnv_passfds = start_and_press_ctrl_c
    try:
        with worker_pool(2):
            print("went on")
    except KeyboardInterrupt:
        print("stopped")
"""


def test_ctrl_c_waits_until_a_new_process_has_what_it_needs_whichever_thread_takes_it(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM_WITH_A_THREAD)
    answer = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, check=False, timeout=60
    )
    assert answer.stdout.splitlines()[-1] == "stopped"
    assert "went on" not in answer.stdout
    assert answer.stderr == ""


def test_workers_do_not_outlive_a_killed_parent(parent) -> None:
    assert parent.stdout.readline() == "begun\n"
    workers = [int(parent.stdout.readline()) for _ in range(2)]
    parent.kill()
    assert all(is_gone(worker) for worker in workers)


def test_every_worker_is_prepared(tmp_path: Path) -> None:
    with worker_pool(2, os.chdir, tmp_path) as pool:
        assert [pool.submit(os.getcwd).result() for _ in range(4)] == [str(tmp_path)] * 4


def test_a_worker_that_died_is_told_plainly() -> None:
    with pytest.raises(Broken) as told, worker_pool(2) as pool:
        pool.submit(os._exit, 1).result()
    assert told.value.got == "one that died"
    assert "memory" in told.value.next_step


def test_what_was_not_begun_is_dropped() -> None:
    began_s = time.monotonic()
    with worker_pool(1) as pool:
        for _ in range(100):
            pool.submit(time.sleep, 1)
    assert time.monotonic() - began_s < 30
