"""Pictures that look alike, by their perceptual hashes, without comparing each with each.

Two hashes that differ in at most k bits agree in at least one of k + 1 bands of bits. So only those that share a band
are compared: for 100,000 pictures some million pairs instead of five thousand million.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

# Of 120 photographs, copies of three quarters the size and quality 60 differ in at most 2 bits, others in 12 or more.
DIFFER_MAX_BITS = 4
_BITS = 64


def groups_alike(hashes: Sequence[int], differ_max_bits: int = DIFFER_MAX_BITS) -> list[list[int]]:
    """Positions of pictures that look alike, each group in order, two or more in each; a chain is one group."""
    unique, of_picture = np.unique(np.array(hashes, dtype=np.uint64), return_inverse=True)
    leader = list(range(len(unique)))
    for a, b in _pairs(unique, differ_max_bits):
        leader[_lead(leader, a)] = _lead(leader, b)
    members: dict[int, list[int]] = defaultdict(list)
    for picture, index in enumerate(of_picture.tolist()):
        members[_lead(leader, index)].append(picture)
    return sorted(group for group in members.values() if len(group) > 1)


def _lead(leader: list[int], index: int) -> int:
    while leader[index] != index:
        leader[index] = leader[leader[index]]
        index = leader[index]
    return index


def _pairs(hashes: NDArray[np.uint64], differ_max_bits: int) -> Iterator[tuple[int, int]]:
    """Positions of two different hashes that differ in at most so many bits; a pair may come more than once."""
    edges = np.linspace(0, _BITS, differ_max_bits + 2).astype(int)
    for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        band = (hashes >> np.uint64(low)) & np.uint64((1 << (high - low)) - 1)
        order = np.argsort(band, kind="stable")
        yield from _within(hashes[order], band[order], order, differ_max_bits)


def _within(
    hashes: NDArray[np.uint64], band: NDArray[np.uint64], places: NDArray[np.intp], differ_max_bits: int
) -> Iterator[tuple[int, int]]:
    """Pairs that share a band, by which all are sorted: each with the next, with the one after it, and so on."""
    first, apart = np.arange(len(band)), 0
    while len(first):
        apart += 1
        first = first[first + apart < len(band)]
        first = first[band[first] == band[first + apart]]
        bits = np.bitwise_count(hashes[first] ^ hashes[first + apart])
        for place in first[bits <= differ_max_bits].tolist():
            yield int(places[place]), int(places[place + apart])
