"""The methods that a policy can be learnt by, chosen in the use case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from importlib import import_module
from pathlib import Path

from trunnion_contract.policy_training import Method
from trunnion_contract.progress import Progress
from trunnion_contract.usecase import UseCase
from trunnion_training.policy.description import unfit
from trunnion_training.policy.environment import open_environment, sees, task_of

Learn = Callable[[UseCase, Path, Progress], Path]
# stable-baselines3 loads for seconds: only who learns by it waits for it.
METHODS: Mapping[Method, tuple[str, str]] = {
    "clone": ("trunnion_training.policy.clone", "clone"),
    "act": ("trunnion_training.policy.act", "learn_chunks"),
    "dagger": ("trunnion_training.policy.dagger", "dagger"),
    "sac": ("trunnion_training.policy.reinforce", "reinforce"),
    "ppo": ("trunnion_training.policy.reinforce", "reinforce"),
}
# Those whose policies take an image beside the vector.
SEEING: tuple[Method, ...] = ("act",)


def train_policy(usecase: UseCase, out_dir: Path, progress: Progress) -> Path:
    """Learn the use case's policy by its method; gives the policy's path.

    Stopped at any moment, the same call goes on: what the expert and the policy did is not done again.

    Raises:
        BadInput: there is no policy to learn, or the environment does not fit.
    """
    task_of(usecase)
    settings = usecase.models.policy
    assert settings is not None, "a task comes with settings"
    _require_sight(usecase)
    if settings.seeds:
        from trunnion_training.policy.seeds import learn_seeds

        return learn_seeds(usecase, out_dir, progress, train_policy)
    module, name = METHODS[settings.method]
    learn: Learn = getattr(import_module(module), name)
    return learn(usecase, out_dir, progress)


def _require_sight(usecase: UseCase) -> None:
    """Refuse to learn blindly where there is something to see."""
    task, settings = task_of(usecase), usecase.models.policy
    if settings is None or settings.method in SEEING:
        return
    with closing(open_environment(task)) as env:
        if sees(env):
            raise unfit(
                env,
                f"images, and method {settings.method}, which sees none",
                f"method {' or '.join(SEEING)}, or observations without images",
                "choose another method, or other env_options",
            )
