"""How learning went, by the proof's own measure: the assessments of a policy on held-out seeds, and the best one."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from torch import nn

from trunnion_contract.policy_training import EarlyStop
from trunnion_contract.usecase import Gates
from trunnion_training.policy.act_network import ActNetwork
from trunnion_training.policy.network import PolicyNetwork
from trunnion_training.policy.players import Players
from trunnion_training.policy.playing import Assessment, assess

LearntPolicy = PolicyNetwork | ActNetwork


@dataclass
class Course:
    """How learning went: how far it was each time it was looked at, the assessments, and the best policy's weights.

    `marks` are steps of the environment where one practises, and epochs where one fits.
    """

    marks: list[int] = field(default_factory=list)
    assessments: list[Assessment] = field(default_factory=list)
    best: dict[str, Any] = field(default_factory=dict)

    def add(self, mark: int, assessment: Assessment, network: nn.Module) -> None:
        """Note an assessment; the first of equal policies stays the best."""
        if not self.assessments or assessment.order > self.best_assessment.order:
            self.best = {name: value.clone() for name, value in network.state_dict().items()}
        self.marks.append(mark)
        self.assessments.append(assessment)

    @property
    def best_assessment(self) -> Assessment:
        """Of the policy that is kept."""
        return max(self.assessments, key=lambda assessment: assessment.order)

    @property
    def best_mark(self) -> int:
        """How far learning was then."""
        return self.marks[self.assessments.index(self.best_assessment)]

    def plain(self) -> dict[str, Any]:
        """For a file."""
        return {
            "marks": self.marks,
            "assessments": [asdict(one) for one in self.assessments],
            "best": self.best,
        }

    @classmethod
    def of(cls, plain: dict[str, Any]) -> Course:
        """What `plain` gave."""
        return cls(plain["marks"], [Assessment(**one) for one in plain["assessments"]], plain["best"])


class EarlyStopping:
    """Plays a policy on held-out seeds now and then while it is fitted, and keeps the best.

    Validation loss tells little of it: what decides an episode is a few states out of many.
    """

    def __init__(self, players: Players, settings: EarlyStop, gates: Gates) -> None:
        self.course = Course()
        self._players, self._settings, self._gates = players, settings, gates

    @property
    def enough(self) -> bool:
        """Whether the best policy passes the gates of the proof."""
        return bool(self.course.marks) and self.course.best_assessment.passes(self._gates)

    def look(self, epoch: int, epochs: int, network: LearntPolicy) -> None:
        """Assess the policy after every so many epochs of `epochs`, and after the last."""
        if epoch % self._settings.every_epochs and epoch != epochs:
            return
        network.eval()
        episodes = self._settings.evaluation_episodes
        self.course.add(epoch, assess(self._players, network, episodes, self._gates), network)

    def plain(self) -> list[dict[str, Any]]:
        """What it depends on."""
        return [self._settings.model_dump(mode="json"), self._gates.model_dump(mode="json")]

    def metrics(self) -> dict[str, Any]:
        """The best epoch, and how all that were assessed did."""
        rates = [one.plain() for one in self.course.assessments]
        history = [{"epoch": mark, **one} for mark, one in zip(self.course.marks, rates, strict=True)]
        return {
            "best": {"epoch": self.course.best_mark, **self.course.best_assessment.plain()},
            "history": history,
        }
