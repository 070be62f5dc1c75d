"""A Ctrl-C that Python or a library drops still stops the flow."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import os, signal, sys
from trunnion.pipeline import Run, Stage, run_stages
from trunnion.stopped import Stopped, stop_on_signals
from trunnion.watchers import watching
from rich.console import Console
sys.path.insert(0, sys.argv[1])
from small_flow import small_usecase

class Dropping:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)  # Python drops what is raised in here

def swallows(run, out_dir, progress):
    progress.start("items", 2)
    Dropping()
    if {ticks}:
        progress.advance()
        print("went on", flush=True)

def fails(run, out_dir, progress):
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        raise RuntimeError("a library's own error") from None

stop_on_signals()
from pathlib import Path
always, nothing = (lambda usecase: True), (lambda usecase: {{}})
with watching(Console()) as watcher:
    try:
        stages = (Stage("data", (), always, nothing, {make}),)
        run_stages(Run(small_usecase(), Path(sys.argv[2])), stages, "data", watcher)
    except Stopped as stopped:
        print("stopped at", stopped.stage)
"""


def outcome(tmp_path, small_flow, **choice) -> str:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.format(**choice))
    folder = str(small_flow.__file__).rpartition("/")[0]
    command = [sys.executable, program, folder, tmp_path / "run"]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def test_a_dropped_ctrl_c_is_noticed_with_the_next_progress(tmp_path, small_flow):
    said = outcome(tmp_path, small_flow, ticks=True, make="swallows")
    assert "stopped at data" in said
    assert "went on" not in said


def test_a_dropped_ctrl_c_is_noticed_at_the_end_of_a_stage_without_progress(tmp_path, small_flow):
    assert "stopped at data" in outcome(tmp_path, small_flow, ticks=False, make="swallows")


def test_a_library_that_makes_an_error_of_it_does_not_hide_it(tmp_path, small_flow):
    assert "stopped at data" in outcome(tmp_path, small_flow, ticks=False, make="fails")
