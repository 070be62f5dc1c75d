"""Where the command `trunnion` starts, and where every error ends as words and an exit code."""

from __future__ import annotations

import os
import sys
import tempfile
import time
import traceback
from pathlib import Path

import typer

from trunnion.stopped import Stopped, stop_on_signals, stop_requested
from trunnion_contract.errors import ExitCode, TrunnionError

INTERRUPTED = 130


def main() -> int:
    """Run the command line; returns the exit code of the process.

    0 done and gates passed, 1 gates or an order failed, 2 bad input, 3 something broke, 130 stopped by Ctrl-C.
    """
    from trunnion.commands import app

    stop_on_signals()
    try:
        code = app(standalone_mode=False) or ExitCode.OK
    except Stopped as error:
        return _stopped(f"at {error.stage}; the same command goes on from here")
    except Exception as error:
        # Libraries turn a Ctrl-C in their depths into errors of their own.
        return _stopped() if stop_requested() else _failed(error)
    return _stopped() if code == INTERRUPTED else code


def _stopped(where: str = "as you asked") -> int:
    print(f"\nstopped {where}", file=sys.stderr)
    return INTERRUPTED


def _failed(error: Exception) -> int:
    if isinstance(error, TrunnionError):
        print_error(error)
        return error.exit_code
    if isinstance(error, typer.TyperException):
        print(f"trunnion: {error.format_message()}\n  next:   trunnion --help", file=sys.stderr)
        return ExitCode.BAD_INPUT
    where = _save_traceback()
    print(
        f"trunnion broke: {type(error).__name__}: {error}\n  the whole story is in {where}", file=sys.stderr
    )
    return ExitCode.BROKEN


def print_error(error: TrunnionError) -> None:
    """The four things a user needs, on a line each."""
    lines = (("got", error.got), ("wanted", error.wanted), ("next", error.next_step))
    print(error.where, *(f"  {name + ':':<7} {text}" for name, text in lines), sep="\n", file=sys.stderr)


def _save_traceback() -> Path:
    name = f"trunnion-error-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    path = Path(tempfile.gettempdir()) / name
    path.write_text(f"{sys.argv}\n\n{traceback.format_exc()}", encoding="utf-8")
    return path
