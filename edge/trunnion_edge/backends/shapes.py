"""Shapes of networks whose dimensions may be free, and the range in which an engine takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trunnion_contract.engine_key import Shape, Shapes
from trunnion_contract.errors import BadInput
from trunnion_contract.tensor import TensorSpec
from trunnion_edge.backends.engine import Array

FREE = -1
# One image or observation at a time is what a robot runs; some room for those who batch.
_USUAL = 1
_GREATEST = 8


def shape_range(shape: Sequence[int]) -> tuple[Shape, Shape, Shape]:
    """The least, the usual and the greatest shape: free dimensions (-1) go from 1 to 8, the others stay."""
    return tuple(
        tuple(size if dimension == FREE else dimension for dimension in shape)
        for size in (1, _USUAL, _GREATEST)
    )  # type: ignore[return-value]


def is_free(shape: Sequence[int]) -> bool:
    """Whether a dimension is free."""
    return FREE in tuple(shape)


def tensor_spec(name: str, dtype: str, shape: Sequence[int]) -> TensorSpec:
    """What a network says of one tensor; a free dimension has no name here, so it is called `?`."""
    return TensorSpec(
        name=name, dtype=dtype, shape=tuple("?" if dimension == FREE else dimension for dimension in shape)
    )


def check_range(shapes: Shapes, inputs: Mapping[str, Array]) -> None:
    """Refuse inputs outside of the range that the engine was built for.

    Raises:
        BadInput: names the input and the range.
    """
    for name, (least, _, greatest) in shapes.items():
        got = inputs[name].shape
        if not all(low <= size <= high for low, size, high in zip(least, got, greatest, strict=True)):
            raise BadInput(
                where=f"input '{name}' of the network",
                got=f"shape {list(got)}",
                wanted=f"between {list(least)} and {list(greatest)}, for which the engine was built",
                next_step="give smaller batches, or export the network with fixed shapes",
            )
