"""The commands, by what they are about. Nothing heavy is imported before a command runs: `--help` answers at once."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from trunnion.commands import cell, engine, flow, machine, registry, scenarios, tuning

_MODULES = (flow, tuning, scenarios, engine, registry, cell, machine)
_ORDER = tuple(name for module in _MODULES for name in module.COMMANDS)


class InOrder(TyperGroup):
    """Lists the commands in the order of the flow."""

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(self.commands, key=_ORDER.index)


app = typer.Typer(
    name="trunnion",
    cls=InOrder,
    help="From a use case to a proven model on a robot. Start with: trunnion run training/usecases/sorting_cell.yaml",
    no_args_is_help=True,
    add_completion=False,
    # Rich help and rich tracebacks cost 0.2 s of start-up each.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for module in _MODULES:
    module.register(app)
