"""The two clocks of a node: the time of day that stamps carry, and one that goes on evenly whatever happens to it."""

from __future__ import annotations

import os
from pathlib import Path

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.time import Time
from std_msgs.msg import Header


def steady_clock() -> Clock:
    """For timers: a wall clock that is set back must not stop them."""
    return Clock(clock_type=ClockType.STEADY_TIME)


def period_clock(node: Node) -> Clock:
    """For what has a rate of its own: the node's time where that is simulated (`use_sim_time`), else a steady clock."""
    return node.get_clock() if node.get_parameter("use_sim_time").value else steady_clock()


def now_s(node: Node) -> float:
    """The time that stamps are made of, in seconds."""
    return float(node.get_clock().now().nanoseconds / 1e9)


def stamp_s(header: Header) -> float:
    """A message's stamp, in seconds."""
    return float(Time.from_msg(header.stamp).nanoseconds / 1e9)


def header_now(node: Node, frame: str = "") -> Header:
    """The header of a message that is made now."""
    return Header(stamp=node.get_clock().now().to_msg(), frame_id=frame)


def process_age_s() -> float:
    """Seconds since this process was started, its interpreter and imports included."""
    # The name, in brackets, may hold spaces; the start, in ticks since boot, is the 20th field after it.
    started_ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    uptime_s = float(Path("/proc/uptime").read_text().split()[0])
    return uptime_s - started_ticks / os.sysconf("SC_CLK_TCK")
