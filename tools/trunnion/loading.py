"""Use cases as the command line is given them."""

from __future__ import annotations

from pathlib import Path

from trunnion.assignments import assignments
from trunnion_contract.usecase import UseCase, load_usecase


def load_with_values(usecase_file: Path, values: list[str]) -> UseCase:
    """The use case of a file, with the NAME=VALUE words of --set."""
    given = {name: seen_from_here(value) for name, value in assignments(values, "--set").items()}
    return load_usecase(usecase_file, given)


def seen_from_here(value: str) -> str:
    """A path typed on the command line starts where the command does, unlike one in the use case."""
    return str(Path(value).resolve()) if Path(value).exists() else value
