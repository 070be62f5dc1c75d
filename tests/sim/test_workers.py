"""Workers that are killed for real: the rest of the proof completes, and every episode counts once."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import Counter
from pathlib import Path

import pytest
from tests.sim.proof_setting import Counting, Setting

from trunnion_contract.bundle import PROOF, REPORT
from trunnion_contract.errors import Broken
from trunnion_sim.journal import recorded
from trunnion_sim.prove import JOURNAL

DEADLY = """
import os, signal
import gymnasium, numpy as np

class Deadly(gymnasium.Env):
    observation_space = gymnasium.spaces.Box(-1, 1, (11,), np.float32)
    action_space = gymnasium.spaces.Box(-1, 1, (4,), np.float32)

    def reset(self, *, seed=None, options=None):
        os.kill(os.getpid(), signal.SIGKILL)

gymnasium.register("deadly/Deadly-v0", Deadly)
"""


class Killing(Counting):
    """Progress that kills a worker process of this proof as soon as episodes 1 and 3 are in."""

    def __init__(self) -> None:
        super().__init__()
        self.killed: list[int] = []

    def advance(self, steps: int = 1, note: str = "") -> None:
        super().advance(steps, note)
        if note and self.done_now in (1, 3) and len(self.killed) < 2:
            victim = multiprocessing.active_children()[0]
            os.kill(victim.pid or 0, signal.SIGKILL)
            victim.join()
            self.killed.append(victim.pid or 0)


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory, networks: dict[str, bytes]) -> Setting:
    return Setting(tmp_path_factory.mktemp("workers") / "run", networks)


def test_killed_workers_cost_no_episode_and_none_counts_twice(setting: Setting) -> None:
    progress = Killing()
    proof = setting.prove("killed", progress=progress)
    setting.prove("whole")
    assert len(set(progress.killed)) == 2
    assert progress.done_now == sum(progress.totals)
    lines = setting.read("killed", JOURNAL).splitlines()[1:]
    assert len(lines) == len(recorded(setting.folder / "killed" / JOURNAL))
    assert [scenario.success.trials for scenario in proof.scenarios] == [2, 2]
    for file in (PROOF, REPORT):
        assert setting.read("killed", file) == setting.read("whole", file)


@pytest.fixture
def deadly(tmp_path: Path, networks: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Setting:
    """The policy's environment kills whoever plays in it."""
    (tmp_path / "deadly.py").write_text(DEADLY)
    monkeypatch.syspath_prepend(tmp_path)
    return Setting(tmp_path / "run", networks, policy_env=("deadly", "deadly/Deadly-v0"))


def test_a_job_that_kills_every_worker_is_named_and_the_rest_is_kept(deadly: Setting) -> None:
    with pytest.raises(Broken, match=r"died 3 times over: .*policy policy_alone 100000"):
        deadly.prove(workers=1)
    kept = Counter(key.split()[0] for key in recorded(deadly.folder / "prove" / JOURNAL))
    assert kept == {"detector": 1, "episode": 4}
    assert not (deadly.folder / "prove" / PROOF).exists()
