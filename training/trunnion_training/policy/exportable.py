"""What every kind of policy offers, whichever method trained it; each owns its export."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from trunnion_contract.errors import BadInput
from trunnion_contract.files import write_json
from trunnion_contract.manifest import PolicySpec
from trunnion_contract.strict import read_json
from trunnion_edge.backends.engine import EngineSpecs, check_inputs
from trunnion_edge.policy import Policy
from trunnion_training.policy.act_network import ActNetwork
from trunnion_training.policy.network import PolicyNetwork

Array = NDArray[np.float32]
CHECKPOINT, SPEC = "policy.pt", "policy_spec.json"


class ExportablePolicy(Protocol):
    """A trained policy: SI units in and out, normalisation of observations and scaling of actions inside."""

    @property
    def spec(self) -> PolicySpec:
        """What it takes and gives."""

    def act(self, *inputs: NDArray[Any]) -> Array:
        """What `spec.inputs` says, float32 [N, observation] first → float32, of the shape of `spec.output`."""

    def save(self, path: Path) -> None:
        """Write what `load` reads: tensors and plain values, no code."""

    def export_onnx(self, path: Path, opset: int) -> None:
        """Write the graph, everything between SI units and SI units inside, with a free number of rows."""


# By the `kind` that a checkpoint names; one without is of the first kind that there was.
LOADERS: Mapping[str, Callable[[Path, PolicySpec], ExportablePolicy]] = {
    "perceptron": PolicyNetwork.load,
    "act": ActNetwork.load,
}


def save_policy(policy: ExportablePolicy, folder: Path) -> Path:
    """Write a policy and its spec beside it; gives the policy's path."""
    policy.save(folder / CHECKPOINT)
    write_json(folder / SPEC, policy.spec.model_dump(mode="json"))
    return folder / CHECKPOINT


def load_policy(folder: Path) -> ExportablePolicy:
    """Read what `save_policy` wrote.

    Raises:
        BadInput: a file is absent or damaged, or of a kind that is not known here.
    """
    path = folder / CHECKPOINT
    try:
        kind = torch.load(path, weights_only=True).get("kind", "perceptron")
    except Exception as error:  # whatever a broken archive raises
        raise BadInput(
            where=str(path),
            got=f"a file that does not load ({type(error).__name__})",
            wanted="a policy that trunnion train wrote",
            next_step="run trunnion train first",
        ) from None
    if kind not in LOADERS:
        raise BadInput(
            where=str(path),
            got=f"a policy of kind {kind}",
            wanted=" or ".join(LOADERS),
            next_step="train the policy again",
        )
    return LOADERS[kind](path, read_json(PolicySpec, folder / SPEC))


class PolicyEngine:
    """A trained policy behind the robot's own engine protocol, so that it is played with the robot's own code."""

    def __init__(self, policy: ExportablePolicy) -> None:
        self._policy = policy
        self._specs = EngineSpecs(policy.spec.inputs, (policy.spec.output,))

    @property
    def specs(self) -> EngineSpecs:
        """Inputs and outputs."""
        return self._specs

    @property
    def runtime(self) -> str:
        """Torch's version."""
        return f"torch {torch.__version__} on cpu"

    def infer(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Act."""
        check_inputs(self._specs, inputs)
        given = (inputs[spec.name] for spec in self._specs.inputs)
        return {self._policy.spec.output.name: self._policy.act(*given)}

    def close(self) -> None:
        """Nothing to give back."""

    def __enter__(self) -> PolicyEngine:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def as_played(policy: ExportablePolicy) -> Policy:
    """The policy as the robot plays it, still in torch."""
    return Policy(PolicyEngine(policy), policy.spec)


@contextmanager
def one_thread() -> Iterator[None]:
    """A network this small loses more to waking threads than it wins, and sums that threads share differ."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
