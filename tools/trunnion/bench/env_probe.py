"""A process that plays one environment with random actions, as many steps as it is asked.

Started by `trunnion.bench.sim` with the environment's id and the package that registers it. Each line on stdin is a
number of steps; the seconds of CPU that they took, with the resets between episodes, come back as one line of JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import gymnasium

_SEED, _WARM_UP = 0, 50


def played_s(env: gymnasium.Env[Any, Any], steps: int) -> float:
    """How much CPU time that many steps take; a machine with other work does not change it much."""
    actions = [env.action_space.sample() for _ in range(steps)]
    began_s = time.process_time()
    for action in actions:
        _, _, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            env.reset()
    return time.process_time() - began_s


def main(env_id: str, package: str) -> None:
    """Play until stdin ends."""
    answers = os.fdopen(os.dup(1), "w")
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)  # some native code greets on standard output
    importlib.import_module(package)
    env = gymnasium.make(env_id)
    env.reset(seed=_SEED)
    env.action_space.seed(_SEED)
    played_s(env, _WARM_UP)
    for line in sys.stdin:
        print(json.dumps(played_s(env, int(line))), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
