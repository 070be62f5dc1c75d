"""The bundle that a robot's nodes are given by their parameter `bundle`."""

from __future__ import annotations

from pathlib import Path

from rclpy.node import Node

from trunnion_contract.bundle import Bundle, open_bundle
from trunnion_contract.cell import CellLayout
from trunnion_contract.errors import BadInput
from trunnion_inference.parameters import text


def declare_bundle(node: Node) -> None:
    """Declare the parameter."""
    node.declare_parameter("bundle", "", text("The bundle (*.trunnion) to run; read when the node opens it"))


def open_named_bundle(node: Node) -> Bundle:
    """Open and verify the bundle that the parameter names.

    Raises:
        BadInput: the parameter is empty, or the bundle is damaged, unproven or from a newer Trunnion.
    """
    path = str(node.get_parameter("bundle").value)
    if not path:
        raise BadInput(
            where=f"parameter 'bundle' of {node.get_name()}",
            got="nothing",
            wanted="the path of a bundle",
            next_step="start the node with --ros-args -p bundle:=FILE",
        )
    return open_bundle(Path(path))


def cell_of(bundle: Bundle) -> CellLayout:
    """Where everything stands, and the limits of motion.

    Raises:
        BadInput: the bundle is not for a cell.
    """
    if bundle.model.cell is None:
        raise BadInput(
            where=str(bundle.path),
            got="a bundle without a cell",
            wanted="the cell's layout and limits",
            next_step="add the section 'cell' to the use case and run it again",
        )
    return bundle.model.cell
