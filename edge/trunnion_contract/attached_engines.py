"""Built engines that travel in a bundle: which they are, and that each is of a network in the same bundle.

An engine is made from a proven file, but is not itself what was proven: only a device with the very key that it was
built for may take it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, model_validator

from trunnion_contract.engine_key import PlanRecord
from trunnion_contract.errors import BadInput
from trunnion_contract.files import digest_bytes
from trunnion_contract.strict import Strict, parse_json, read_json

SCHEMA_VERSION: Final = 1
ENGINES = "engines.json"
_PLAN = ".plan"


class AttachedEngines(Strict):
    """`engines.json`: a record of each plan that lies beside it."""

    schema_version: Literal[1] = Field(default=SCHEMA_VERSION, alias="schema")
    plans: tuple[PlanRecord, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_once_and_sound(self) -> AttachedEngines:
        if len({plan_file(record) for record in self.plans}) != len(self.plans):
            raise ValueError("one plan for each key")
        if any(record.fault for record in self.plans):
            raise ValueError("plans without a fault")
        return self


def plan_file(record: PlanRecord) -> str:
    """The name of an attached plan."""
    return f"{record.key.stem()}{_PLAN}"


def engine_files(folder: Path) -> dict[str, bytes]:
    """Name to bytes of the list in `folder` and of the plans that it names.

    Raises:
        BadInput: a file is missing, or the list cannot be read.
    """
    listed = read_json(AttachedEngines, folder / ENGINES).plans
    names = (ENGINES, *(plan_file(record) for record in listed))
    try:
        return {name: (folder / name).read_bytes() for name in names}
    except OSError as error:
        raise _refused(str(folder), f"a plan that cannot be read ({error})", "every plan listed") from None


def check_engines(contents: Mapping[str, bytes], networks: Mapping[str, str], where: str) -> None:
    """Refuse attached engines that are not whole, or of a network that is not there.

    Args:
        contents: name to bytes of the files of a bundle; those of engines are looked at.
        networks: name to SHA-256 of the network files in it.

    Raises:
        BadInput: says which plan, and what is wrong with it.
    """
    plans = {name for name in contents if name.endswith(_PLAN)}
    listed = _listed(contents, where)
    if plans != listed.keys():
        names = ", ".join(sorted(plans ^ listed.keys()))
        raise _refused(where, f"engines that are missing or not listed: {names}", f"those in {ENGINES}")
    for name, record in listed.items():
        if digest_bytes(contents[name]) != record.plan_sha256:
            raise _refused(where, f"{name} with other content than was built", "the plan that was built")
        if record.key.onnx_sha256 not in networks.values():
            raise _refused(where, f"{name}, an engine of another network", "engines of the networks inside")


def _listed(contents: Mapping[str, bytes], where: str) -> dict[str, PlanRecord]:
    if ENGINES not in contents:
        return {}
    attached = parse_json(AttachedEngines, contents[ENGINES], f"{where}: {ENGINES}")
    return {plan_file(record): record for record in attached.plans}


def _refused(where: str, got: str, wanted: str) -> BadInput:
    return BadInput(
        where=where,
        got=got,
        wanted=wanted,
        next_step="fetch the bundle again, or attach its engines anew with trunnion export --engine",
    )
