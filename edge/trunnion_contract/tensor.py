"""What an input or output of a network looks like."""

from __future__ import annotations

from trunnion_contract.strict import Strict

Dimension = int | str


class TensorSpec(Strict):
    """One input or output of a network; a dimension given by name is free."""

    name: str
    dtype: str
    shape: tuple[Dimension, ...]
