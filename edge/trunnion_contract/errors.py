"""Errors that a user can act on: where it happened, what was got, what was wanted, what to do next."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What every Trunnion command returns to its caller."""

    OK = 0
    GATES_FAILED = 1
    BAD_INPUT = 2
    BROKEN = 3


class TrunnionError(Exception):
    """An error with the four things a user needs; the command line prints them without a traceback."""

    exit_code = ExitCode.BROKEN

    def __init__(self, *, where: str, got: str, wanted: str, next_step: str) -> None:
        super().__init__(f"{where}: got {got}, wanted {wanted}. Next: {next_step}")
        self.where = where
        self.got = got
        self.wanted = wanted
        self.next_step = next_step

    def __reduce__(self) -> tuple[object, ...]:
        # Worker processes hand errors back by pickling, which by default calls __init__ with `args` alone.
        return _rebuild, (type(self), self.where, self.got, self.wanted, self.next_step)


class BadInput(TrunnionError):
    """The caller gave something that cannot be used; nothing that stood before was changed."""

    exit_code = ExitCode.BAD_INPUT


class GatesFailed(TrunnionError):
    """The work was done, and what it made is not good enough to go on."""

    exit_code = ExitCode.GATES_FAILED


class Broken(TrunnionError):
    """The machine or a component failed in the middle of sound work."""


def _rebuild(kind: type[TrunnionError], where: str, got: str, wanted: str, next_step: str) -> TrunnionError:
    return kind(where=where, got=got, wanted=wanted, next_step=next_step)
