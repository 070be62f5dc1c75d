"""What a network is made of, seen from its convolutions: the stem, the last ones, what comes after, and its blocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import takewhile

import onnx

CONVOLUTIONS = ("Conv", "ConvTranspose")


class Anatomy:
    """The parts of a graph by the names of their nodes.

    Attributes:
        stem: the convolutions that nothing was convolved before, and what stands beside them until the next ones.
        last: the convolutions after which nothing is convolved.
        head: everything in the blocks in which the last convolutions are.
        tail: what comes after them: boxes and scores are put together there.
        tensors: what each node reads and makes.
    """

    def __init__(self, graph: onnx.GraphProto) -> None:
        depth, height = _depths(graph.node), _heights(graph.node)
        convolutions = [node.name for node in graph.node if node.op_type in CONVOLUTIONS]
        self._wrappers = _shared_parts(convolutions)
        self._large = _large_parts(convolutions)
        self.nodes = [node.name for node in graph.node]
        self.stem = frozenset(name for name in self.nodes if depth[name] <= 1)
        self.last = frozenset(name for name in convolutions if height[name] == 1)
        self.tail = frozenset(name for name in self.nodes if height[name] == 0)
        self.head = frozenset(
            name for block in {self.block_of(last) for last in self.last} for name in self.blocks()[block]
        )
        self.tensors = {node.name: [*node.input, *node.output] for node in graph.node}

    def blocks(self) -> dict[str, list[str]]:
        """The nodes of each block."""
        blocks: dict[str, list[str]] = {}
        for name in self.nodes:
            blocks.setdefault(self.block_of(name), []).append(name)
        return blocks

    def block_of(self, node: str) -> str:
        """The first part of a name such as `/model.4/m.0/cv1/conv/Conv` that not all convolutions begin with.

        Where more than half of them begin with it, as with a `/backbone`, the parts inside it are the blocks.
        """
        parts = node.strip("/").split("/")
        depth = first = min(self._wrappers, len(parts) - 1)
        while depth < len(parts) - 1 and tuple(parts[: depth + 1]) in self._large:
            depth += 1
        return "/".join(parts[first : depth + 1])


def name_nodes(graph: onnx.GraphProto) -> None:
    """Give every node a name of its own; nodes without one are called by their first output."""
    taken: set[str] = set()
    for node in graph.node:
        if not node.name or node.name in taken:
            node.name = f"{node.name}/{node.output[0]}"
        taken.add(node.name)


def _shared_parts(names: list[str]) -> int:
    """How many parts all names begin with: a family that is wrapped for its export has one, `/model/model.4/…`."""
    paths = [name.strip("/").split("/")[:-1] for name in names]
    columns = zip(*paths, strict=False)
    return sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))


def _large_parts(names: list[str]) -> set[tuple[str, ...]]:
    """What more than half of all names begin with, in parts."""
    paths = [name.strip("/").split("/")[:-1] for name in names]
    begins = Counter(tuple(path[:end]) for path in paths for end in range(1, len(path) + 1))
    return {begin for begin, count in begins.items() if count > len(names) / 2}


def _depths(nodes: Iterable[onnx.NodeProto]) -> dict[str, int]:
    """Convolutions on the longest way from an input to each node, itself included."""
    at: dict[str, int] = {}
    depth: dict[str, int] = {}
    for node in nodes:
        depth[node.name] = max((at.get(name, 0) for name in node.input if name), default=0) + _is_convolution(
            node
        )
        at |= dict.fromkeys(node.output, depth[node.name])
    return depth


def _heights(nodes: Iterable[onnx.NodeProto]) -> dict[str, int]:
    """Convolutions on the longest way from each node to an output, itself included."""
    at: dict[str, int] = {}
    height: dict[str, int] = {}
    for node in reversed(list(nodes)):
        height[node.name] = max(
            (at.get(name, 0) for name in node.output if name), default=0
        ) + _is_convolution(node)
        for name in node.input:
            at[name] = max(at.get(name, 0), height[node.name])
    return height


def _is_convolution(node: onnx.NodeProto) -> bool:
    return node.op_type in CONVOLUTIONS
