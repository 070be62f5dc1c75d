"""Descriptors of node parameters, so that tools can say what each one is and refuse what is out of range."""

from __future__ import annotations

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor


def text(description: str, *, read_only: bool = False) -> ParameterDescriptor:
    """A parameter without a range."""
    return ParameterDescriptor(description=description, read_only=read_only)


def number(description: str, low: float, high: float) -> ParameterDescriptor:
    """A parameter between two numbers."""
    limits = FloatingPointRange(from_value=low, to_value=high)
    return ParameterDescriptor(description=description, floating_point_range=[limits])


def whole(description: str, low: int, high: int) -> ParameterDescriptor:
    """A parameter between two whole numbers."""
    limits = IntegerRange(from_value=low, to_value=high, step=1)
    return ParameterDescriptor(description=description, integer_range=[limits])
