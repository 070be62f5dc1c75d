"""A process that opens an engine through the cache, for tests: `engine_process.py FOLDER LOG SECONDS`.

Its builder is no TensorRT: the plan is the network backwards. Each build is a line in LOG.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from trunnion_contract.engine_key import EngineKey
from trunnion_contract.errors import TrunnionError
from trunnion_contract.files import digest_bytes
from trunnion_edge.engine_builder import PlanRefused
from trunnion_edge.engine_cache import EngineCache

NETWORK = b"a network " * 20_000


def key_of(network: bytes = NETWORK, **changes: object) -> EngineKey:
    """The key of an Orin, with changes."""
    fields = {
        "onnx_sha256": digest_bytes(network),
        "runtime": "reversal",
        "runtime_version": "10.3.0",
        "cuda": "12.6",
        "gpu": "Orin",
        "compute_capability": "8.7",
        "driver": "540.4.0",
        "l4t": "36.4.3",
        "precision": "as the network says",
        "shapes": {"images": ((1, 3), (1, 3), (8, 3))},
        "settings": {"workspace_mib": 1024},
    }
    return EngineKey.model_validate(fields | changes)


@dataclass
class Reversal:
    """Builds plans by turning networks around, and loads them by turning them back."""

    key: EngineKey
    log: Path
    seconds: float = 0.0
    refuses: bool = False

    def build(self) -> bytes:
        with self.log.open("a") as file:
            file.write(f"{os.getpid()}\n")
        time.sleep(self.seconds)
        return NETWORK[::-1]

    def load(self, plan: bytes) -> bytes:
        if self.refuses:
            raise PlanRefused("another magic number")
        return plan[::-1]


def main(folder: str, log: str, seconds: str) -> int:
    """Open the engine; returns the exit code of the process."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    cache: EngineCache[bytes] = EngineCache(Path(folder))
    try:
        engine = cache.open(Reversal(key_of(), Path(log), float(seconds)))
    except TrunnionError as error:
        print(error)
        return error.exit_code
    print("opened" if engine == NETWORK else "wrong")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
