"""What a person reads at the end: the table of gates, and where everything is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from trunnion_contract.dataset import Dataset, SplitName
from trunnion_contract.proof import Gate

SPLITS: tuple[SplitName, ...] = ("train", "val", "test")


def print_gates(console: Console, gates: Iterable[Gate]) -> None:
    """One line a gate, with its verdict in words as well as in colour."""
    table = Table("gate", "got", "wanted", "verdict", "note", title="Gates", title_justify="left")
    for gate in gates:
        verdict = "[green]passed[/]" if gate.passed else "[bold red]FAILED[/]"
        table.add_row(gate.name, gate.got, gate.wanted, verdict, gate.note)
    console.print(table)


def print_dataset(console: Console, dataset: Dataset) -> None:
    """What is in the dataset, and what was dropped or mended on the way."""
    table = Table("split", "images", *(f"{name} boxes" for name in dataset.classes))
    for split in SPLITS:
        table.add_row(
            split, str(dataset.images[split]), *(str(dataset.boxes[split][name]) for name in dataset.classes)
        )
    console.print(table)
    found = ", ".join(f"{name} {count}" for name, count in dataset.findings.items() if count)
    console.print(f"cleaning: {found or 'nothing to mend'}", highlight=False)


def print_places(console: Console, places: Mapping[str, Path | str]) -> None:
    """Name and place, each on a line of its own so that it can be copied."""
    width = max(len(name) for name in places)
    for name, place in places.items():
        console.print(f"{name:<{width}}  {place}", highlight=False, soft_wrap=True)
