"""The search for a network of less precision that loses little enough: sensitive blocks are left as they were."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import onnx

from trunnion_training.precision.anatomy import Anatomy
from trunnion_training.precision.calibration import Tensor
from trunnion_training.precision.sensitivity import Rounding, block_noise

# Blocks left out at each further try: a bounded search, the same on every machine.
TRIES = (1, 2, 4, 8)

Names = frozenset[str]
Make = Callable[[Names], onnx.ModelProto]


@dataclass(frozen=True)
class Bounds:
    """What a network may lose, and how that is measured.

    Attributes:
        drop: points of mAP50-95 that a network loses against fp32 on the validation split.
        drop_max_points: how many it may lose.
    """

    drop: Callable[[onnx.ModelProto], float]
    drop_max_points: float


@dataclass(frozen=True)
class Candidate:
    """A network, and the points of mAP50-95 that it loses."""

    network: onnx.ModelProto
    drop_points: float


def tried(make: Make, kept: Names, bounds: Bounds) -> Candidate:
    """Make a network in which the nodes named in `kept` stay fp32, and measure it."""
    network = make(kept)
    return Candidate(network, bounds.drop(network))


def without_sensitive_blocks(
    first: Candidate,
    make: Make,
    source: onnx.ModelProto,
    rounding: Rounding,
    kept: Names,
    images: list[Tensor],
    bounds: Bounds,
) -> Candidate:
    """`first` if it loses little enough, else the best with one block left out, two, four, eight, the noisiest first.

    Args:
        source: the fp32 network.
        rounding: what less precision does to a tensor.
        kept: nodes that stay fp32 in any case.
        images: float32 [1, 3, S, S] each, to find out which blocks are sensitive.
    """
    best = first
    if best.drop_points <= bounds.drop_max_points:
        return best
    blocks = Anatomy(source.graph).blocks()
    order = list(block_noise(source, images, rounding, kept))
    for count in (count for count in TRIES if count < len(order)):
        left_out = {name for block in order[:count] for name in blocks[block]}
        best = min(best, tried(make, kept | left_out, bounds), key=lambda candidate: candidate.drop_points)
        if best.drop_points <= bounds.drop_max_points:
            break
    return best
