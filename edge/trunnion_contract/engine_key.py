"""What an engine was built for, and the record of it that lies beside the plan."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from trunnion_contract.files import digest_json
from trunnion_contract.strict import Strict

SCHEMA_VERSION: Final = 1
# Enough to tell files apart; the record holds the whole digests.
_NAME_DIGITS = 16

Shape = tuple[int, ...]
Shapes = dict[str, tuple[Shape, Shape, Shape]]


class EngineKey(Strict):
    """All that an engine depends on.

    Attributes:
        onnx_sha256: digest of the network's file.
        cuda: version of CUDA's runtime.
        gpu: name of the GPU.
        compute_capability: of the GPU, as `8.7`.
        driver: version of NVIDIA's driver; empty where the system names none.
        l4t: Jetson's release, as `36.4.3`; empty elsewhere.
        precision: how the builder treats numbers.
        shapes: for each input the least, the usual and the greatest shape.
        settings: of the builder.
    """

    onnx_sha256: str
    runtime: str
    runtime_version: str
    cuda: str
    gpu: str
    compute_capability: str
    driver: str
    l4t: str
    precision: str
    shapes: Shapes
    settings: dict[str, int | str]

    def stem(self) -> str:
        """The name of the plan's files: the network, and all the rest."""
        whole = digest_json(self.model_dump(mode="json"))
        return f"{stem_of_network(self.onnx_sha256)}-{whole[:_NAME_DIGITS]}"

    def differences(self, wanted: EngineKey) -> str:
        """What of this key is otherwise than in `wanted`, for a log; empty where nothing is."""
        mine, other = self.model_dump(mode="json"), wanted.model_dump(mode="json")
        return ", ".join(
            f"{name} {mine[name]!r} → {other[name]!r}" for name in mine if mine[name] != other[name]
        )


class PlanRecord(Strict):
    """What a plan is, and was built for.

    Attributes:
        compared: how its answers differ from those of the same network on the CPU; empty where nobody looked.
        fault: why it may not be used; empty where it may.
    """

    schema_version: Literal[1] = Field(default=SCHEMA_VERSION, alias="schema")
    key: EngineKey
    plan_sha256: str
    compared: str = ""
    fault: str = ""


def stem_of_network(onnx_sha256: str) -> str:
    """What the names of all plans of one network begin with."""
    return onnx_sha256[:_NAME_DIGITS]
