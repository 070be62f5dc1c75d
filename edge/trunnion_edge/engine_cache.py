"""Engines that were built on this device, kept with the key of what they were built for.

An engine (TensorRT's plan) is bound to the GPU, the driver and the version of the runtime that built it, and takes up
to an hour to build. Beside each plan lies its record: the whole key, and the digest of the plan. A plan whose record
does not say exactly what is wanted now is built anew, and the log says what differs.

An engine that came with its network goes before: it is the same on every device of its key, and the digest of the
bundle covers it. One that a check found to answer wrongly is remembered, so that it is not built at every start.

The digests find damage, not malice: who may write to the folder may run code on the robot.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from trunnion_contract.engine_key import EngineKey, PlanRecord, stem_of_network
from trunnion_contract.errors import BadInput, Broken
from trunnion_contract.files import digest_bytes, whole_file
from trunnion_contract.strict import parse_json
from trunnion_edge.attached_plans import AttachedPlans
from trunnion_edge.engine_builder import Builder, Check, EngineDiffers, PlanRefused
from trunnion_edge.taking_turns import one_at_a_time

_log = logging.getLogger(__name__)

Loaded = TypeVar("Loaded")


def default_cache() -> Path:
    """The user's own folder of engines: $XDG_CACHE_HOME/trunnion/engines, or under ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "trunnion" / "engines"


class NotCached(Exception):
    """Why no plan can be taken from the cache."""


@dataclass(frozen=True)
class EngineCache(Generic[Loaded]):
    """A folder of plans. Any number of processes may use it at once.

    Attributes:
        folder: made when the first plan is written.
        waits: called again and again while another process builds the same engine, with what to tell a person.
        attached: engines that came with the network.
        check: what an engine must pass once; one that was never compared is, before it is used.
    """

    folder: Path
    waits: Callable[[str], None] = _log.info
    attached: AttachedPlans | None = None
    check: Check[Loaded] | None = None

    def open(self, builder: Builder[Loaded]) -> Loaded:
        """Load the engine that came with the network or is in the cache, or build it, keep it and load it.

        Raises:
            BadInput: the runtime cannot build this network.
            EngineDiffers: it did not pass the check, now or when it was built.
            Broken: building failed, the disk is full, the folder cannot be written, or the new plan does not load.
        """
        if self.attached and (engine := self.attached.open(builder)) is not None:
            return engine
        try:
            return self._cached(builder)
        except NotCached:
            # Said only under the lock: another process may be writing it at this moment.
            pass
        with self._alone(builder.key):
            try:
                return self._cached(builder, compares=True)
            except NotCached as reason:
                _log.warning("engine cache %s: builds the engine: %s", self.folder, reason)
            return self._built(builder)

    def kept(self, key: EngineKey) -> tuple[PlanRecord, bytes]:
        """The plan for `key` and its record, verified.

        Raises:
            NotCached: there is none that may be used.
            EngineDiffers: it did not pass its check.
        """
        record = self._record(key)
        if difference := record.key.differences(key):
            raise NotCached(f"the plan that is there is for another key: {difference}")
        if record.fault:
            raise self._faulty(record)
        try:
            # Read once, so that what is used is what was verified.
            plan = self._plan(key).read_bytes()
        except OSError as error:
            raise NotCached(f"the plan cannot be read ({error.strerror})") from None
        if digest_bytes(plan) != record.plan_sha256:
            raise NotCached(f"the plan that is there is damaged ({len(plan)} bytes with another digest)")
        return record, plan

    def _cached(self, builder: Builder[Loaded], compares: bool = False) -> Loaded:
        record, plan = self.kept(builder.key)
        try:
            if self.check and not record.compared:
                if not compares:
                    raise NotCached("the plan that is there was never compared with the network on the CPU")
                _log.info("engine cache: compares %s, which was built before", self._plan(builder.key))
                self.check.prepare()
                self._compare(record, plan, builder)
            engine = builder.load(plan)
        except PlanRefused as error:
            raise NotCached(f"the plan that is there does not load ({error})") from None
        _log.info("engine cache: took %s", self._plan(builder.key))
        return engine

    def _record(self, key: EngineKey) -> PlanRecord:
        path = self._plan(key).with_suffix(".json")
        try:
            return parse_json(PlanRecord, path.read_bytes(), str(path))
        except FileNotFoundError:
            raise NotCached(self._why_none(key)) from None
        except (OSError, BadInput) as error:
            raise NotCached(f"the record of the plan that is there cannot be used ({error})") from None

    def _why_none(self, key: EngineKey) -> str:
        """Whether this network is new here, or what has changed since it was built."""
        others = [record.key.differences(key) for record in self._records_of(key.onnx_sha256)]
        if not others:
            return "none of this network yet"
        return f"none for this key; the nearest differs: {min(others, key=len)}"

    def _records_of(self, onnx_sha256: str) -> Iterator[PlanRecord]:
        for path in sorted(self.folder.glob(f"{stem_of_network(onnx_sha256)}-*.json")):
            try:
                yield parse_json(PlanRecord, path.read_bytes(), str(path))
            except (OSError, BadInput):
                continue

    def _built(self, builder: Builder[Loaded]) -> Loaded:
        if self.check:
            self.check.prepare()
        plan = builder.build()
        record = PlanRecord(key=builder.key, plan_sha256=digest_bytes(plan))
        # Before anything looks at it: an hour's work is not lost where the GPU has no room for a look.
        self._keep(plan, record)
        try:
            self._compare(record, plan, builder)
            return builder.load(plan)
        except PlanRefused as error:
            raise Broken(
                where=f"the engine that {builder.key.runtime} {builder.key.runtime_version} just built",
                got=f"a plan that it does not load ({error})",
                wanted="an engine",
                next_step="look at the lines above, and see that nothing else fills the GPU's memory",
            ) from None

    def _compare(self, record: PlanRecord, plan: bytes, builder: Builder[Loaded]) -> None:
        """Let the check look at the engine of a plan that is kept, and write what it says into the record.

        Raises:
            EngineDiffers: it did not pass.
            PlanRefused: it does not load.
        """
        if self.check is None:
            return
        passed, words = self.check.judge(builder.load(plan))
        _log.info("engine cache: the new engine's answers, against the CPU's: %s", words)
        judged = record.model_copy(update={"compared" if passed else "fault": words})
        self._keep(None, judged)
        if judged.fault:
            raise self._faulty(judged)

    def _keep(self, plan: bytes | None, record: PlanRecord) -> None:
        """Write a plan and its record, or the record alone."""
        path = self._plan(record.key)
        try:
            # All is written before anything gets its name, so that a full disk leaves what was there.
            with ExitStack() as parts:
                record_part = parts.enter_context(whole_file(path.with_suffix(".json")))
                record_part.write_text(record.model_dump_json(by_alias=True, indent=2), encoding="utf-8")
                if plan is not None:
                    parts.enter_context(whole_file(path)).write_bytes(plan)
        except OSError as error:
            raise self._unwritable(error) from error

    @contextmanager
    def _alone(self, key: EngineKey) -> Iterator[None]:
        lock = self._plan(key).with_suffix(".lock")
        with ExitStack() as held:
            try:
                held.enter_context(one_at_a_time(lock, "builds this engine", self.waits))
            except OSError as error:
                raise self._unwritable(error) from error
            yield

    def _plan(self, key: EngineKey) -> Path:
        return self.folder / f"{key.stem()}.plan"

    def _faulty(self, record: PlanRecord) -> EngineDiffers:
        key = record.key
        return EngineDiffers(
            where=f"the engine that {key.runtime} {key.runtime_version} built on this device",
            got=record.fault,
            wanted="the answers of the same network on the CPU, about",
            next_step="ask for precision fp32 or backend onnxruntime, or install another version of the runtime; "
            f"without {self._plan(key).with_suffix('.json')} it is built once more",
        )

    def _unwritable(self, error: OSError) -> Broken:
        return Broken(
            where=str(self.folder),
            got=f"a folder that cannot be written ({error.strerror})",
            wanted="a place for engines",
            next_step="give another folder as engine_cache_dir (--cache-dir), or the right to write there",
        )
