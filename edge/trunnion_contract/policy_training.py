"""How a policy learns: its environment, the method, and what each method needs beside."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from trunnion_contract.act_training import Chunking
from trunnion_contract.environment_options import EnvOptions
from trunnion_contract.strict import Strict
from trunnion_contract.training_workers import Workers

Method = Literal["clone", "act", "dagger", "sac", "ppo"]
Share = Annotated[float, Field(ge=0, le=1)]
Seed = Annotated[int, Field(ge=0)]
_REINFORCED: Final = ("sac", "ppo")
_FITTED: Final = ("clone", "act")
# Packages that bring environments name themselves here; Gymnasium 1.x no longer reads it by itself.
ENVIRONMENTS: Final = "gymnasium.envs"


class Dagger(Strict):
    """DAgger (Ross et al., 2011): rounds in which the policy acts, the expert labels, and all is learnt again.

    In round r, counted from 1, the expert acts in `expert_share` ** r of the steps.
    """

    rounds: int = Field(default=4, ge=1, le=1000)
    episodes: int = Field(default=40, ge=1)
    expert_share: Share = 0.5
    evaluation_episodes: int = Field(default=200, ge=1)


class EarlyStop(Strict):
    """While it is fitted, the policy is played on held-out seeds after every `every_epochs` epochs.

    The best one stays, and fitting ends as soon as it passes the gates of the proof.
    """

    every_epochs: int = Field(default=20, ge=1)
    evaluation_episodes: int = Field(default=200, ge=1)


class Reinforcement(Strict):
    """Reinforcement learning by SAC or PPO.

    It ends after `steps` steps of the environment, or as soon as the policy passes the gates of the proof on held-out
    seeds. SAC learns from hindsight where the environment is goal-conditioned: `hindsight_goals` of them for each true
    one. `start: clone` begins with a policy that was cloned from the demonstrations: the critic learns alone for
    `critic_warmup_steps`, and exploration begins narrow. With SAC, half of what is learnt from is demonstrations; what
    they say keeps a weight that falls from `imitation_weight` to nothing over `imitation_steps`, and what the clone
    would do in the states that are met one that falls from `anchor_weight` to a tenth of it.

    Attributes:
        environments: how many copies of the environment play at once for PPO; SAC plays one.
        gradient_steps: of SAC, for each step of the environment.
        round_steps: steps between two evaluations, and between two points to resume from.
        evaluation_episodes: of each evaluation, at most; one that cannot pass any more ends early.
        margin: how far above the gates an evaluation has to be for learning to end. Who stops at the first that passes
            has, as often as not, been lucky, and fails the proof.
    """

    steps: int = Field(ge=1, le=100_000_000)
    start: Literal["scratch", "clone"] = "scratch"
    environments: int = Field(default=8, ge=1, le=256)
    round_steps: int = Field(default=2_000, ge=1)
    evaluation_episodes: int = Field(default=400, ge=1)
    margin: float = Field(default=0.0, ge=0, lt=1)
    discount: float = Field(default=0.95, gt=0, lt=1)
    learning_rate: float = Field(default=1e-3, gt=0, lt=1)
    batch: int = Field(default=256, ge=2)
    gradient_steps: int = Field(default=1, ge=1, le=32)
    learning_starts: int = Field(default=500, ge=0)
    hindsight_goals: int = Field(default=4, ge=0, le=16)
    critic_warmup_steps: int = Field(default=2_000, ge=0)
    imitation_weight: float = Field(default=2.0, ge=0)
    anchor_weight: float = Field(default=2.0, ge=0)
    imitation_steps: int = Field(default=40_000, ge=1)


class PolicyTraining(Strict):
    """A policy for a registered Gymnasium environment.

    `method` is behaviour cloning of the environment's expert, the same in chunks of actions (ACT), DAgger, SAC or PPO.
    `env_package` is imported first, because importing it registers the environment; an id like `trunnion/Reach-v0`
    finds its package by itself, and what Gymnasium brings needs none. `env_options` are arguments of the environment,
    such as `{observation_type: pixels, reward_type: dense}`.

    Attributes:
        demonstrations: how many episodes the environment's expert plays; or
        recording: a file of episodes that were played before, seen from the use case, instead.
        disturbance: how much noise there is in what is executed while the expert demonstrates, 0 (none) to 1. What is
            learnt is the expert's own action either way; with noise, the policy also sees what lies beside its path.
        seeds: several instead of `seed`: all of it is done once with each, at the same time where there is room, and
            the policy that does best in `prove.policy_episodes` held-out episodes is kept.
        workers: processes that fit one policy together, with method clone or act.
    """

    env: str
    env_package: str | None = None
    env_options: EnvOptions = Field(default_factory=dict)
    method: Method = "clone"
    demonstrations: int | None = Field(default=None, ge=1)
    recording: Path | None = None
    disturbance: Share = 1.0
    epochs: int | None = Field(default=None, ge=1)
    hidden: tuple[int, ...] = (256, 256)
    learning_rate: float = Field(default=1e-3, gt=0, lt=1)
    batch: int = Field(default=1024, ge=1)
    seed: int = Field(default=0, ge=0)
    seeds: tuple[Seed, ...] = Field(default=(), max_length=100)
    workers: Workers = Workers()
    early_stop: EarlyStop | None = None
    act: Chunking | None = None
    dagger: Dagger | None = None
    reinforcement: Reinforcement | None = None

    @model_validator(mode="after")
    def _has_what_its_method_needs(self) -> PolicyTraining:
        if (self.reinforcement is not None) != (self.method in _REINFORCED):
            raise ValueError("a `reinforcement` section with method sac or ppo, and with no other")
        for name in ("act", "dagger"):
            if getattr(self, name) is not None and self.method != name:
                raise ValueError(f"a `{name}` section with method {name} only")
        if self.early_stop and self.method not in _FITTED:
            raise ValueError(f"an `early_stop` section with method {' or '.join(_FITTED)} only")
        if self.demonstrations and self.recording:
            raise ValueError("demonstrations or a recording, not both: one says where the other comes from")
        if self.recording and self.disturbance != 1.0:
            raise ValueError("no disturbance with a recording, whose episodes have been played")
        if self.imitates and (not (self.demonstrations or self.recording) or self.epochs is None):
            raise ValueError(
                "demonstrations or a recording, and epochs, because the policy begins with the expert"
            )
        return self

    @model_validator(mode="after")
    def _is_learnt_in_one_way(self) -> PolicyTraining:
        if not self.workers.one_process and self.method not in _FITTED:
            raise ValueError(
                f"`workers` with method {' or '.join(_FITTED)} only: others learn in one process"
            )
        if self.seeds and not self.workers.one_process:
            raise ValueError("seeds or workers, not both: they would wait for the same cores")
        if self.seeds and self.seed:
            raise ValueError("seeds or a seed, not both")
        if len(self.seeds) == 1 or len(set(self.seeds)) != len(self.seeds):
            raise ValueError("two seeds or more, each once")
        return self

    @property
    def imitates(self) -> bool:
        """Whether the expert is needed, be it only to begin with."""
        return self.reinforcement is None or self.reinforcement.start == "clone"

    @property
    def assessed(self) -> bool:
        """Whether it plays on held-out seeds while it learns."""
        return bool(self.early_stop or self.reinforcement or self.method == "dagger")

    def registering_package(self) -> str | None:
        """The package that registers the environment; None for what Gymnasium brings itself."""
        if self.env_package:
            return self.env_package
        namespace = self.env.partition("/")[0] if "/" in self.env else ""
        found = (entry.module.partition(".")[0] for entry in entry_points(group=ENVIRONMENTS, name=namespace))
        return next(found, None)
