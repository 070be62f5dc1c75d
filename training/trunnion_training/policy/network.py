"""The policy's network: SI units in, SI units out, and the ONNX export that keeps it so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from trunnion_contract.errors import BadInput
from trunnion_contract.files import whole_file

INPUT, OUTPUT = "observation", "action"
# An entry that never changes has no spread to divide by.
_SPREAD_MIN = 1e-3

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Scale:
    """How one vector is brought to mean 0 and spread 1, and in which range it lies; float32 [n] each, SI units."""

    mean: Array
    spread: Array
    low: Array
    high: Array

    @classmethod
    def of(cls, values: Array, low: Array, high: Array) -> Scale:
        """The scale of float32 [N, n] samples."""
        mean, spread = values.mean(axis=0, dtype=np.float64), values.std(axis=0, dtype=np.float64)
        return cls(mean.astype(np.float32), np.maximum(spread, _SPREAD_MIN).astype(np.float32), low, high)


class PolicyNetwork(nn.Module):
    """A multi-layer perceptron between a normalisation and a scaling, both part of the graph.

    float32 [N, observation] in SI units → float32 [N, action] in SI units, within the action's range.
    """

    def __init__(self, observation: Scale, action: Scale, hidden: Sequence[int]) -> None:
        super().__init__()
        self.hidden = tuple(hidden)
        for name, scale in (("observation", observation), ("action", action)):
            for part in ("mean", "spread", "low", "high"):
                self.register_buffer(
                    f"{name}_{part}", torch.from_numpy(np.array(getattr(scale, part), np.float32))
                )
        sizes = [len(observation.mean), *hidden]
        layers = [layer for a, b in pairwise(sizes) for layer in (nn.Linear(a, b), nn.ReLU())]
        self.layers = nn.Sequential(*layers, nn.Linear(sizes[-1], len(action.mean)))

    def forward(self, observation: Tensor) -> Tensor:
        """Act."""
        scaled = self.scaled_action(observation) * self.action_spread + self.action_mean
        return torch.minimum(torch.maximum(scaled, self.action_low), self.action_high)

    def scaled_action(self, observation: Tensor) -> Tensor:
        """The action before scaling, where all entries weigh alike: what the loss compares."""
        return self.layers((observation - self.observation_mean) / self.observation_spread)

    def normalised(self, action: Tensor) -> Tensor:
        """An action in SI units as `scaled_action` would give it."""
        return (action - self.action_mean) / self.action_spread

    def save(self, path: Path) -> None:
        """Write the weights (tensors only, no code)."""
        with whole_file(path) as temporary, temporary.open("wb") as file:
            torch.save({"hidden": list(self.hidden), "state": self.state_dict()}, file)

    @classmethod
    def load(cls, path: Path) -> PolicyNetwork:
        """Read what `save` wrote.

        Raises:
            BadInput: the file is absent or damaged.
        """
        try:
            content = torch.load(path, weights_only=True)
            state = content["state"]
            scales = [
                Scale(*(state[f"{name}_{part}"].numpy() for part in ("mean", "spread", "low", "high")))
                for name in ("observation", "action")
            ]
            network = cls(*scales, content["hidden"])
            network.load_state_dict(state)
        except Exception as error:  # whatever a broken archive raises
            raise BadInput(
                where=str(path),
                got=f"a file that does not load ({type(error).__name__})",
                wanted="a policy that trunnion train wrote",
                next_step="train the policy again",
            ) from None
        return network.eval()

    def act(self, observation: Array) -> Array:
        """float32 [N, observation] → float32 [N, action]."""
        with torch.inference_mode():
            action: Array = self(torch.from_numpy(np.ascontiguousarray(observation))).numpy()
        return action

    def export_onnx(self, path: Path, opset: int) -> None:
        """Write the graph, normalisation and scaling inside, with a free number of rows."""
        example = torch.zeros(1, len(self.observation_mean))
        with whole_file(path) as temporary:
            torch.onnx.export(
                self.eval(),
                (example,),
                str(temporary),
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_axes={INPUT: {0: "N"}, OUTPUT: {0: "N"}},
                opset_version=opset,
                dynamo=False,
            )
