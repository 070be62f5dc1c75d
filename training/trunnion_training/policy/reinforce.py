"""Reinforcement learning in rounds: play and learn, assess on held-out seeds, keep the best, end when it is enough."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from trunnion_contract.errors import BadInput
from trunnion_contract.files import digest_json, whole_file, write_json
from trunnion_contract.policy_training import PolicyTraining
from trunnion_contract.progress import Progress
from trunnion_contract.usecase import Gates, UseCase
from trunnion_training.curves import draw_curves
from trunnion_training.policy.clone import (
    CURVES,
    METRICS,
    demonstrations_of,
    finished,
    spec_of,
    work_dir,
    write_held_out,
)
from trunnion_training.policy.course import Course
from trunnion_training.policy.environment import Task, task_of
from trunnion_training.policy.exportable import one_thread, save_policy
from trunnion_training.policy.fitting import Samples, divided, fit, new_network
from trunnion_training.policy.learner import Learner, fresh_network
from trunnion_training.policy.network import PolicyNetwork, Squash
from trunnion_training.policy.players import Players
from trunnion_training.policy.playing import Assessment, assess, visited
from trunnion_training.policy.ppo import PpoLearner
from trunnion_training.policy.sac import Imitation, SacLearner

_STATE = "reinforcement.pt"
_HELD_OUT_EPISODES = 20
_SQUASH: dict[str, Squash] = {"sac": "tanh", "ppo": "clip"}


def reinforce(usecase: UseCase, out_dir: Path, progress: Progress) -> Path:
    """Learn by SAC or PPO, and write policy, metrics, curves and held-out observations; give the policy's path.

    Stopped at any moment, the same call goes on after the last whole round, and ends with the policy that an unbroken
    run has. What it goes on from is read as tensors and plain values; nothing is unpickled.

    Raises:
        BadInput: there is no policy to learn, or the environment does not fit.
    """
    task, settings = task_of(usecase), usecase.models.policy
    assert settings is not None, "a task comes with settings"
    with one_thread(), Players(task) as players:
        network, learner = _begun(usecase, task, out_dir, progress)
        state_file = work_dir(usecase, out_dir) / _STATE
        course = _resumed(state_file, settings, learner)
        if not course.marks and settings.imitates:
            course.add(0, _assess(players, network, usecase), network)
        _learn(usecase, players, learner, course, state_file, progress)
        network.load_state_dict(course.best)
        save_policy(network.eval(), out_dir)
        write_held_out(visited(players, network, _HELD_OUT_EPISODES), out_dir)
    write_json(out_dir / METRICS, _metrics(usecase, course))
    draw_curves(
        {"success": {"rate": [one.rate for one in course.assessments],
                     "lower bound": [one.lower for one in course.assessments]},
         "return": {"mean": [one.mean_return for one in course.assessments]}},
        out_dir / CURVES, ("steps of the environment", course.marks),
    )  # fmt: skip
    return finished(out_dir)


def _begun(usecase: UseCase, task: Task, out_dir: Path, progress: Progress) -> tuple[PolicyNetwork, Learner]:
    """The network to begin with, and who goes on learning with it."""
    settings, spec = usecase.models.policy, spec_of(task)
    assert settings is not None
    reinforcement, squash = settings.reinforcement, _SQUASH[settings.method]
    assert reinforcement is not None
    imitation = None
    if reinforcement.start == "clone":
        training, validation = divided(demonstrations_of(usecase, out_dir, progress))
        network = new_network(settings, spec, training, squash)
        fit(network, training, validation, settings, progress)
        imitation = _imitation(network, training)
    else:
        network = fresh_network(task, settings, spec, squash)
    if settings.method == "sac":
        return network, SacLearner(task, settings, network, imitation)
    return network, PpoLearner(task, settings, network, imitation is not None)


def _imitation(network: PolicyNetwork, training: Samples) -> Imitation:
    return Imitation(training.observations, network.normalised(training.actions))


def _learn(
    usecase: UseCase,
    players: Players,
    learner: Learner,
    course: Course,
    state_file: Path,
    progress: Progress,
) -> None:
    """Play rounds until the steps are spent or the gates pass."""
    settings = usecase.models.policy
    assert settings is not None
    assert settings.reinforcement is not None
    steps = settings.reinforcement.steps
    progress.start(f"learning by {settings.method.upper()}", steps)
    progress.advance(learner.steps, note=_note(course))
    while learner.steps < steps and not _enough(course, usecase):
        learner.play_round(len(course.marks), _told(progress, course))
        candidate = learner.policy()
        course.add(learner.steps, _assess(players, candidate, usecase), candidate)
        content = {"settings": _digest(settings), "learner": learner.state(), "course": course.plain()}
        with whole_file(state_file) as temporary:
            torch.save(content, temporary)
        progress.advance(0, note=_note(course))
    progress.done(_note(course))


def _told(progress: Progress, course: Course) -> Callable[[int], None]:
    return lambda steps: progress.advance(steps, note=_note(course))


def _note(course: Course) -> str:
    if not course.assessments:
        return ""
    last, best = course.assessments[-1], course.best_assessment
    return f"success {last.successes}/{last.episodes}, best {best.successes}/{best.episodes}"


def _enough(course: Course, usecase: UseCase) -> bool:
    return bool(course.assessments) and course.best_assessment.passes(_aim(usecase))


def _assess(players: Players, network: PolicyNetwork, usecase: UseCase) -> Assessment:
    settings = usecase.models.policy
    assert settings is not None
    assert settings.reinforcement is not None
    episodes = settings.reinforcement.evaluation_episodes
    return assess(players, network, episodes, _aim(usecase))


def _aim(usecase: UseCase) -> Gates:
    """What has to be passed for learning to end."""
    settings = usecase.models.policy
    assert settings is not None
    assert settings.reinforcement is not None
    return usecase.prove.gates.raised(settings.reinforcement.margin)


def _resumed(state_file: Path, settings: PolicyTraining, learner: Learner) -> Course:
    """Where a run of the same settings was; it was written here, and holds tensors and plain values only."""
    if not state_file.exists():
        return Course()
    try:
        content = torch.load(state_file, weights_only=True)
    except Exception as error:  # whatever a broken archive raises
        raise BadInput(
            where=str(state_file),
            got=f"a file that does not load ({type(error).__name__})",
            wanted="what an interrupted training left",
            next_step="delete it, and train again from the start",
        ) from None
    if content["settings"] != _digest(settings):
        return Course()
    learner.restore(content["learner"])
    return Course.of(content["course"])


def _digest(settings: PolicyTraining) -> str:
    return digest_json([settings.model_dump(mode="json"), torch.__version__])


def _metrics(usecase: UseCase, course: Course) -> dict[str, Any]:
    settings, best = usecase.models.policy, course.best_assessment
    assert settings is not None
    return {
        "env": settings.env,
        "method": settings.method,
        "steps": course.marks[-1],
        "best": {"steps": course.best_mark, **best.plain()},
        "gates_passed_on_held_out_seeds": best.passes(usecase.prove.gates),
        "history": [
            {"steps": steps, **one.plain()}
            for steps, one in zip(course.marks, course.assessments, strict=True)
        ],
    }
