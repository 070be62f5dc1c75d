"""Precision: what is asked for is opened and nothing else; "auto" takes INT8 only where it is faster here."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import numpy as np
import pytest

from trunnion_contract.detector_spec import DetectorSpec
from trunnion_contract.errors import BadInput, Broken
from trunnion_contract.files import digest_bytes
from trunnion_contract.manifest import (
    Accuracy,
    DetectorModel,
    DetectorVariant,
    ModelManifest,
    Precision,
    PrecisionParity,
)
from trunnion_contract.progress import Progress
from trunnion_edge import precision
from trunnion_edge.agreement import CpuAgreement
from trunnion_edge.backends import Engine, EngineSettings, open_engine
from trunnion_edge.detector import Detector
from trunnion_edge.engine_builder import EngineDiffers
from trunnion_edge.precision import OpenNetwork, open_network

CPU = EngineSettings(device="cpu")
# Each network sees red things under another class, so that an answer tells who gave it.
SEES_RED_AS: dict[Precision, int] = {"fp32": 0, "fp16": 1, "int8": 2}
ACCURACY = Accuracy(images=70, map50=0.9, map50_95=0.7)
PARITY = PrecisionParity(
    images=70,
    map50_drop_points=0.1,
    map50_95_drop_points=0.2,
    map50_95_drop_max_points=1,
    boxes_largest_px=3.0,
)


@pytest.fixture
def networks(colour_network: Callable[..., bytes]) -> dict[str, bytes]:
    boxes = [[8.0, 20.0, 16.0, 24.0]] * 3
    return {
        f"{name}.onnx": colour_network(boxes, class_ids=(class_id, class_id, class_id))
        for name, class_id in SEES_RED_AS.items()
    }


@pytest.fixture
def model(networks: dict[str, bytes], detector_spec: DetectorSpec) -> DetectorModel:
    def variant(name: Precision) -> DetectorVariant:
        file = f"{name}.onnx"
        digest = digest_bytes(networks[file])
        return DetectorVariant(file=file, sha256=digest, precision=name, parity=PARITY, accuracy=ACCURACY)

    return DetectorModel(
        file="fp32.onnx",
        sha256=digest_bytes(networks["fp32.onnx"]),
        parity=(),
        spec=detector_spec,
        accuracy=ACCURACY,
        variants=(variant("fp16"), variant("int8")),
    )


class Opened:
    """Opens engines as ever and remembers them; with `gpu`, they say that a GPU runs them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, gpu: bool = False) -> None:
        self.engines: list[Engine] = []
        self.settings: list[EngineSettings] = []
        self.differ: set[bytes] = set()
        self._gpu = gpu
        monkeypatch.setattr(precision, "open_engine", self._open)

    def _open(self, network: bytes, settings: EngineSettings, progress: Progress | None) -> Engine:
        self.settings.append(settings)
        if network in self.differ:
            raise EngineDiffers(where="the engine", got="boxes 80 px off", wanted="those", next_step="fp32")
        engine = open_engine(network, CPU)
        if self._gpu:
            engine._runtime = "onnxruntime on gpu"  # type: ignore[attr-defined]
        self.engines.append(engine)
        return engine

    def close(self) -> None:
        for engine in self.engines:
            engine.close()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Opened]:
    watch = Opened(monkeypatch)
    yield watch
    watch.close()


def seen_by(engine: Engine) -> str:
    """The precision of the network that an engine runs."""
    answer = engine.infer({"images": np.ones((1, 3, 64, 64), np.float32)})["output0"]
    return next(name for name, class_id in SEES_RED_AS.items() if class_id == int(answer[0, 0, 5]))


def who(opened: OpenNetwork) -> str:
    """The precision of the network that an engine runs, which it also says."""
    assert opened.precision == seen_by(opened.engine)
    return opened.precision


def times(monkeypatch: pytest.MonkeyPatch, fp32_ms: float, int8_ms: float) -> None:
    monkeypatch.setattr(precision, "median_times_ms", lambda fp32, int8: (fp32_ms, int8_ms))


@pytest.mark.parametrize("asked", ["fp32", "fp16", "int8"])
def test_what_is_asked_for_is_opened_and_nothing_else(
    asked: Precision, model: DetectorModel, networks: dict[str, bytes], opened: Opened
) -> None:
    assert who(open_network(model, networks.__getitem__, CPU, asked)) == asked
    assert len(opened.engines) == 1


def test_a_precision_that_the_model_lacks_is_bad_input(
    model: DetectorModel, networks: dict[str, bytes]
) -> None:
    fp32_only = model.model_copy(update={"variants": ()})
    with pytest.raises(
        BadInput, match=r"got 'int8', which this model does not have, wanted one of auto, fp32\."
    ):
        open_network(fp32_only, networks.__getitem__, CPU, "int8")


def test_a_detector_opens_in_the_precision_asked_for(
    model: DetectorModel, networks: dict[str, bytes]
) -> None:
    manifest = ModelManifest(
        name="colours",
        version="0.1.0",
        problem="p",
        usecase_digest="0",
        dataset_digest=None,
        detector=model,
        made_with={},
        licences={},
    )
    with Detector.from_model(manifest, networks.__getitem__, CPU, precision="int8") as detector:
        assert who(OpenNetwork(detector.engine, detector.precision)) == "int8"


def test_a_model_without_variants_opens_one_network_and_measures_nothing(
    model: DetectorModel, networks: dict[str, bytes], opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "median_times_ms", None)
    fp32_only = model.model_copy(update={"variants": ()})
    assert who(open_network(fp32_only, networks.__getitem__, CPU)) == "fp32"
    assert len(opened.engines) == 1


@pytest.mark.parametrize(("int8_ms", "taken"), [(9.0, "int8"), (9.2, "fp32"), (20.0, "fp32")])
def test_on_a_cpu_int8_is_taken_where_it_is_a_tenth_faster_and_the_other_is_closed(
    int8_ms: float,
    taken: str,
    model: DetectorModel,
    networks: dict[str, bytes],
    opened: Opened,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    times(monkeypatch, 10.0, int8_ms)
    with caplog.at_level(logging.INFO):
        assert who(open_network(model, networks.__getitem__, CPU)) == taken
    assert f"precision: {taken} (fp32 10.0 ms, int8 {int8_ms} ms on this machine" in caplog.text
    fp32, int8 = opened.engines
    with pytest.raises(Broken):
        seen_by(int8 if taken == "fp32" else fp32)


def test_on_a_gpu_fp16_is_taken_without_opening_the_others(
    model: DetectorModel, networks: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Opened(monkeypatch, gpu=True)
    with ExitStack() as stack:
        stack.callback(watch.close)
        assert who(open_network(model, networks.__getitem__, EngineSettings())) == "fp16"
        assert len(watch.engines) == 1
        without_fp16 = model.model_copy(update={"variants": model.variants[1:]})
        assert who(open_network(without_fp16, networks.__getitem__, EngineSettings())) == "fp32"


def test_on_a_gpu_whose_fp16_is_wrong_fp32_is_taken_and_the_log_says_why(
    model: DetectorModel,
    networks: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    watch = Opened(monkeypatch, gpu=True)
    watch.differ.add(networks["fp16.onnx"])
    with ExitStack() as stack:
        stack.callback(watch.close)
        assert who(open_network(model, networks.__getitem__, EngineSettings())) == "fp32"
    assert "precision: not fp16: the engine: got boxes 80 px off" in caplog.text


@pytest.mark.parametrize("asked", ["fp16", "int8"])
def test_an_engine_that_was_asked_for_and_is_wrong_is_an_error(
    asked: Precision, model: DetectorModel, networks: dict[str, bytes], opened: Opened
) -> None:
    opened.differ.add(networks[f"{asked}.onnx"])
    with pytest.raises(EngineDiffers):
        open_network(model, networks.__getitem__, EngineSettings(), asked)


def test_an_engine_is_checked_against_its_own_file_and_may_come_with_it(
    model: DetectorModel, networks: dict[str, bytes], opened: Opened
) -> None:
    read = networks.__getitem__
    open_network(model, read, CPU, "int8")
    (settings,) = opened.settings
    assert settings.attached == read
    assert isinstance(settings.check, CpuAgreement)
    assert settings.check._network == networks["int8.onnx"]


def test_engines_that_came_with_a_network_can_be_left_alone(
    model: DetectorModel, networks: dict[str, bytes], opened: Opened
) -> None:
    open_network(model, networks.__getitem__, EngineSettings(device="cpu", attached_engines=False), "int8")
    (settings,) = opened.settings
    assert settings.attached is None
    assert isinstance(settings.check, CpuAgreement)


def test_where_no_gpu_is_found_fp16_is_closed_again(
    model: DetectorModel, networks: dict[str, bytes], opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    times(monkeypatch, 10.0, 5.0)
    assert who(open_network(model, networks.__getitem__, EngineSettings())) == "int8"
    fp16, fp32, _ = opened.engines
    for engine in (fp16, fp32):
        with pytest.raises(Broken):
            seen_by(engine)


def test_a_changed_int8_file_is_refused_and_leaves_nothing_open(
    model: DetectorModel, networks: dict[str, bytes], opened: Opened
) -> None:
    changed = {**networks, "int8.onnx": networks["fp16.onnx"]}
    with pytest.raises(BadInput, match=r"int8\.onnx: got other content than the manifest says"):
        open_network(model, changed.__getitem__, CPU)
    (fp32,) = opened.engines
    with pytest.raises(Broken):
        seen_by(fp32)


def test_times_are_medians_of_runs_that_alternate() -> None:
    calls: list[str] = []

    def slow() -> None:
        calls.append("slow")
        time.sleep(0.02)

    slow_ms, fast_ms = precision.median_times_ms(slow, lambda: calls.append("fast"))
    assert calls[:4] == ["slow", "fast", "slow", "fast"]
    assert len(calls) == 2 * (precision.RUNS + 2)
    assert slow_ms >= 20 > fast_ms
