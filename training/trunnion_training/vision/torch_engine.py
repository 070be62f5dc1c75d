"""A trained network behind the robot's own engine protocol, so that it is measured with the robot's own code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from trunnion_edge.backends.engine import Array, EngineSpecs, check_inputs
from trunnion_training.vision.family import Trained

if TYPE_CHECKING:
    import torch


class TorchEngine:
    """Runs a trained network in torch, where its weights are."""

    def __init__(self, trained: Trained) -> None:
        self._network = trained.network
        self._specs = EngineSpecs((trained.spec.input,), trained.spec.outputs)

    @property
    def specs(self) -> EngineSpecs:
        """Inputs and outputs."""
        return self._specs

    @property
    def runtime(self) -> str:
        """Torch's version, and where it computes."""
        import torch

        return f"torch {torch.__version__} on {self._device.type}"

    @property
    def _device(self) -> torch.device:
        """That of the weights; a network without any computes on the CPU."""
        import torch

        return next((value.device for value in self._network.parameters()), torch.device("cpu"))

    def infer(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Run the network."""
        import torch

        check_inputs(self._specs, inputs)
        with _on_one_thread(), torch.inference_mode():
            image = torch.from_numpy(np.ascontiguousarray(inputs[self._specs.inputs[0].name]))
            given = self._network(image.to(self._device))
        outputs = given if isinstance(given, tuple) else (given,)
        names = [spec.name for spec in self._specs.outputs]
        return {name: output.cpu().numpy() for name, output in zip(names, outputs, strict=True)}

    def close(self) -> None:
        """Nothing to give back."""

    def __enter__(self) -> TorchEngine:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


@contextmanager
def _on_one_thread() -> Iterator[None]:
    """Sums that threads share differ in their last digits, and training leaves another number of threads behind."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
