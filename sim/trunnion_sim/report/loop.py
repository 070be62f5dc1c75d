"""`loop.html`: success in one process and through the ROS 2 nodes, side by side on one page."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from trunnion_contract.loop import LoopProof


def render(proof: LoopProof) -> str:
    """The whole page. The same input gives the same text."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = _percent
    return environment.get_template("loop.html.j2").render(proof=proof)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"
