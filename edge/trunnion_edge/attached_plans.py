"""Engines that came with a network, in its bundle: taken where they were built for just this device."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from trunnion_contract.attached_engines import ENGINES, AttachedEngines, plan_file
from trunnion_contract.engine_key import EngineKey, PlanRecord
from trunnion_contract.files import digest_bytes
from trunnion_contract.strict import parse_json
from trunnion_edge.engine_builder import Builder, PlanRefused

_log = logging.getLogger(__name__)

Loaded = TypeVar("Loaded")


class _Unfit(Exception):
    """Why a plan with the right key is not loaded."""


@dataclass(frozen=True)
class AttachedPlans:
    """The plans beside a network.

    Attributes:
        read: gives the bytes of a file by its name; KeyError or OSError where there is none.
        must_be_compared: whether a plan is ignored that nobody compared with the CPU.
    """

    read: Callable[[str], bytes]
    must_be_compared: bool = False

    def open(self, builder: Builder[Loaded]) -> Loaded | None:
        """The engine that was built for the builder's key; None, and why in the log, where none can be taken.

        Raises:
            BadInput: the list of plans is none.
        """
        records = self._records_of(builder.key.onnx_sha256)
        record = next((found for found in records if found.key == builder.key), None)
        if record is None:
            self._say_why_none(records, builder.key)
            return None
        try:
            engine = builder.load(self._verified(record))
        except PlanRefused as error:
            _log.warning("attached engine %s: ignored: it does not load (%s)", plan_file(record), error)
            return None
        except _Unfit as reason:
            _log.warning("attached engine %s: ignored: %s", plan_file(record), reason)
            return None
        _log.info("attached engine: took %s", plan_file(record))
        return engine

    def _records_of(self, onnx_sha256: str) -> list[PlanRecord]:
        try:
            text = self.read(ENGINES)
        except (KeyError, OSError):
            return []
        listed = parse_json(AttachedEngines, text, ENGINES).plans
        return [record for record in listed if record.key.onnx_sha256 == onnx_sha256]

    def _say_why_none(self, records: list[PlanRecord], wanted: EngineKey) -> None:
        if records:
            nearest = min((record.key.differences(wanted) for record in records), key=len)
            _log.info("attached engines: ignored, none is for this device; the nearest differs: %s", nearest)

    def _verified(self, record: PlanRecord) -> bytes:
        """The plan, read once, so that what is used is what was verified."""
        if self.must_be_compared and not record.compared:
            raise _Unfit("nobody compared it with the network on the CPU")
        try:
            plan = self.read(plan_file(record))
        except (KeyError, OSError):
            raise _Unfit("it is not there") from None
        if digest_bytes(plan) != record.plan_sha256:
            raise _Unfit("it is damaged")
        return plan
