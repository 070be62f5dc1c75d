"""A process around one node: it ends cleanly on SIGINT and SIGTERM, after the node had its last word."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TypeVar

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from trunnion_contract.errors import TrunnionError
from trunnion_inference.shared_memory import free_segments_of_the_dead

AnyNode = TypeVar("AnyNode", bound=Node)
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run_node(make_node: Callable[[], AnyNode], last_word: Callable[[AnyNode], None]) -> None:
    """Spin the node until a signal comes, then let it leave the robot safe: it can still publish in `last_word`.

    Bad input ends the process with one line on stderr and its exit code.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        with _signals_interrupt(), contextlib.suppress(KeyboardInterrupt, ExternalShutdownException):
            # A supervisor may start us right after we crashed, with what we had in shared memory still held.
            free_segments_of_the_dead()
            # rclpy's own handlers would end communication before the last word.
            rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
            with _leaving(make_node(), last_word) as node:
                executor = SingleThreadedExecutor()
                executor.add_node(node)
                executor.spin()
    except TrunnionError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    finally:
        rclpy.try_shutdown()


@contextlib.contextmanager
def _leaving(node: AnyNode, last_word: Callable[[AnyNode], None]) -> Iterator[AnyNode]:
    try:
        yield node
    finally:
        # Once is enough: a second Ctrl-C must not cut the last word short.
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        last_word(node)
        node.destroy_node()


@contextlib.contextmanager
def _signals_interrupt() -> Iterator[None]:
    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    # The handlers stay: a signal that comes late must not print a traceback either.
    for number in _SIGNALS:
        signal.signal(number, interrupt)
    yield
