"""`trunnion` on a machine with a GPU, which is played: `on_a_gpu.py WORDS...`.

Its TensorRT is ONNX Runtime, its plans are the networks; the cache of engines, and all else, is real.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from types import ModuleType

from trunnion.main import main
from trunnion_contract.engine_key import EngineKey
from trunnion_contract.files import digest_bytes
from trunnion_contract.progress import Progress, Silent
from trunnion_edge import backends
from trunnion_edge.attached_plans import AttachedPlans
from trunnion_edge.backends import BACKENDS, Backend, Engine, EngineSettings, onnxruntime
from trunnion_edge.engine_cache import EngineCache, default_cache

NAME = "played_tensorrt"


@dataclass
class Builder:
    """Says that it builds, which takes the seconds in the variable BUILD_S, and gives the network back."""

    network: bytes
    key: EngineKey

    def build(self) -> bytes:
        print("builds the engine", flush=True)
        time.sleep(float(os.environ.get("BUILD_S", "0")))
        return self.network

    def load(self, plan: bytes) -> Engine:
        return onnxruntime.open_engine(plan, EngineSettings("onnxruntime", "cpu"), Silent())


def open_engine(model: bytes, settings: EngineSettings, progress: Progress) -> Engine:
    """What `trunnion_edge.backends.tensorrt` does, with another builder."""
    attached = AttachedPlans(settings.attached, settings.check is not None) if settings.attached else None
    cache: EngineCache[Engine] = EngineCache(
        settings.cache_dir or default_cache(), attached=attached, check=settings.check
    )
    return cache.open(Builder(model, key_here(model, settings)))


def key_here(onnx: bytes, settings: EngineSettings) -> EngineKey:
    """The GPU has the name in the variable GPU."""
    about = {"runtime": "tensorrt", "runtime_version": "10.3.0", "cuda": "12.6", "gpu": os.environ["GPU"]}
    rest = {"compute_capability": "8.7", "driver": "", "l4t": "36.4.3", "precision": "", "shapes": {}}
    return EngineKey.model_validate({**about, **rest, "onnx_sha256": digest_bytes(onnx), "settings": {}})


def play() -> None:
    """Put the GPU and its runtime in place."""
    module = ModuleType(NAME)
    module.open_engine, module.key_here = open_engine, key_here  # type: ignore[attr-defined]
    sys.modules[NAME] = module
    BACKENDS["tensorrt"] = Backend((), NAME, "")  # type: ignore[index]
    backends.gpu_node = lambda nodes=None: "/dev/nvgpu"


if __name__ == "__main__":
    play()
    sys.exit(main())
