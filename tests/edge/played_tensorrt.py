"""What stands in for TensorRT's libraries: a builder, an engine and a parser that tell what the real ones would."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import tensorrt as trt

from trunnion_contract.progress import Silent
from trunnion_edge.backends.cuda import DeviceProperties


class Stopping(Silent):
    """A person who presses Ctrl-C at the first step."""

    def advance(self, steps: int = 1, note: str = "") -> None:
        raise KeyboardInterrupt


class Engine:
    """A detector with a free batch: what `ICudaEngine` tells of one."""

    num_io_tensors = 2

    def __init__(self) -> None:
        self.tensors = {"images": ((-1, 3), trt.DataType.HALF), "boxes": ((-1, 6), trt.DataType.FLOAT)}

    def get_tensor_name(self, index: int) -> str:
        return list(self.tensors)[index]

    def get_tensor_shape(self, name: str) -> Any:
        return trt.Dims(list(self.tensors[name][0]))

    def get_tensor_dtype(self, name: str) -> Any:
        return self.tensors[name][1]

    def get_tensor_mode(self, name: str) -> Any:
        return trt.TensorIOMode.INPUT if name == "images" else trt.TensorIOMode.OUTPUT

    def get_tensor_profile_shape(self, name: str, profile_index: int) -> list[Any]:
        return [trt.Dims([1, 3]), trt.Dims([1, 3]), trt.Dims([8, 3])]


class Config:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.progress_monitor: Any = None

    def set_memory_pool_limit(self, pool: Any, size: int) -> None:
        self.told.append((pool, size))

    def clear_flag(self, flag: Any) -> None:
        self.told.append(flag)

    def add_optimization_profile(self, profile: Any) -> None:
        self.told.append(profile.shapes)


class Profile:
    """Remembers the shapes."""

    def __init__(self) -> None:
        self.shapes: dict[str, Any] = {}

    def set_shape(self, name: str, *shapes: Any) -> None:
        self.shapes[name] = [tuple(shape) for shape in shapes]


class Builder:
    """Builds `plan` in two steps, and tells the monitor of them."""

    def __init__(self, plan: bytes | None) -> None:
        self.plan, self.config = plan, Config()

    def create_builder_config(self) -> Config:
        return self.config

    def create_optimization_profile(self) -> Profile:
        return Profile()

    def build_serialized_network(self, network: Any, config: Config) -> bytes | None:
        config.progress_monitor.phase_start("build", None, 2)
        for step in range(2):
            if not config.progress_monitor.step_complete("build", step):
                return None
        config.progress_monitor.phase_finish("build")
        return self.plan


class Cuda:
    """An Orin."""

    def properties(self) -> DeviceProperties:
        return DeviceProperties("Orin", "8.7")

    def version(self) -> str:
        return "12.6"


class Parser:
    """Takes what begins with `onnx`; asked for, what network it was given and what it lacks."""

    num_errors = 1

    def __init__(self, network: Any, log: Any) -> None:
        self.network = network

    def parse(self, model: bytes) -> bool:
        return model.startswith(b"onnx")

    def get_error(self, index: int) -> Any:
        return SimpleNamespace(desc=lambda: "no importer for Wobble", node=lambda: 7)
