"""An engine that came with its network is taken at once on its own kind of device, and on no other."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from trunnion_contract.attached_engines import ENGINES, AttachedEngines, plan_file
from trunnion_contract.engine_key import EngineKey, PlanRecord
from trunnion_contract.errors import BadInput
from trunnion_contract.files import digest_bytes
from trunnion_edge.attached_plans import AttachedPlans
from trunnion_edge.engine_builder import Judgement, PlanRefused
from trunnion_edge.engine_cache import EngineCache

PLAN, BUILT = b"a plan that came along", b"a plan of this device"


def key_of(gpu: str = "Orin", onnx: bytes = b"a network") -> EngineKey:
    return EngineKey(
        onnx_sha256=digest_bytes(onnx),
        runtime="played",
        runtime_version="10.3.0",
        cuda="12.6",
        gpu=gpu,
        compute_capability="8.7",
        driver="540.4.0",
        l4t="36.4.3",
        precision="as the network says",
        shapes={},
        settings={},
    )


def files_of(*keys: EngineKey, compared: str = "alike") -> dict[str, bytes]:
    """The files of a bundle with a plan for each key."""
    records = [PlanRecord(key=key, plan_sha256=digest_bytes(PLAN), compared=compared) for key in keys]
    listed = AttachedEngines(plans=tuple(records)).model_dump_json(by_alias=True).encode()
    return {ENGINES: listed, **{plan_file(record): PLAN for record in records}}


class Device:
    """A builder of an Orin, whose engine is its plan."""

    key = key_of()

    def __init__(self) -> None:
        self.builds, self.refused = 0, b""

    def build(self) -> bytes:
        self.builds += 1
        return BUILT

    def load(self, plan: bytes) -> bytes:
        if plan == self.refused:
            raise PlanRefused("another magic number")
        return plan


class Alike:
    """A check that every engine passes."""

    def prepare(self) -> None:
        pass

    def judge(self, engine: bytes) -> Judgement:
        return Judgement(True, "alike")


@pytest.fixture
def device() -> Device:
    return Device()


@pytest.fixture
def opened(
    device: Device, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> Callable[[dict[str, bytes]], bytes]:
    """The engine that is opened on the device, given the files of a bundle."""
    caplog.set_level(logging.INFO)

    def opened(files: dict[str, bytes]) -> bytes:
        attached = AttachedPlans(files.__getitem__, must_be_compared=True)
        cache: EngineCache[bytes] = EngineCache(tmp_path, attached=attached, check=Alike())
        return cache.open(device)

    return opened


Opened = Callable[[dict[str, bytes]], bytes]


def test_the_engine_of_this_device_is_taken_without_building_or_writing(
    opened: Opened, device: Device, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert opened(files_of(key_of("Thor"), key_of())) == PLAN
    assert device.builds == 0
    assert list(tmp_path.iterdir()) == []
    assert "attached engine: took" in caplog.text


def test_it_goes_before_the_one_that_this_device_built(opened: Opened) -> None:
    assert opened({}) == BUILT
    assert opened(files_of(key_of())) == PLAN


def test_the_engine_of_another_gpu_is_ignored_and_the_log_says_what_differs(
    opened: Opened, device: Device, caplog: pytest.LogCaptureFixture
) -> None:
    assert opened(files_of(key_of("Thor"))) == BUILT
    assert device.builds == 1
    assert "attached engines: ignored, none is for this device; the nearest differs: gpu 'Thor' → 'Orin'" in (
        caplog.text
    )


def test_the_engine_of_another_network_says_nothing_about_this_one(
    opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    assert opened(files_of(key_of(onnx=b"the network in FP16"))) == BUILT
    assert "attached" not in caplog.text


def test_one_that_the_runtime_refuses_is_built_here(
    opened: Opened, device: Device, caplog: pytest.LogCaptureFixture
) -> None:
    device.refused = PLAN
    assert opened(files_of(key_of())) == BUILT
    assert f"{key_of().stem()}.plan: ignored: it does not load (another magic number)" in caplog.text


@pytest.mark.parametrize(
    ("plan", "said"), [(PLAN[:-1], "it is damaged"), (None, "it is not there"), (b"", "it is damaged")]
)
def test_no_plan_reaches_the_runtime_that_is_not_the_one_listed(
    plan: bytes | None, said: str, opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    files = files_of(key_of())
    files.pop(f"{key_of().stem()}.plan")
    harmed = files if plan is None else files | {f"{key_of().stem()}.plan": plan}
    assert opened(harmed) == BUILT
    assert said in caplog.text


def test_one_that_nobody_compared_with_the_cpu_is_built_here(
    opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    assert opened(files_of(key_of(), compared="")) == BUILT
    assert "ignored: nobody compared it" in caplog.text


def test_a_list_that_is_none_is_bad_input(opened: Opened) -> None:
    with pytest.raises(BadInput, match=ENGINES):
        opened({ENGINES: b"{}"})
