"""The simulated robot in the episodes of a proof: scenarios are laid out in it, and the time is the simulation's."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from rclpy.publisher import Publisher
from rosgraph_msgs.msg import Clock
from std_srvs.srv import Trigger
from trunnion_interfaces.srv import LayOutEpisode

from trunnion_cell.simulated_robot import SimulatedRobot
from trunnion_contract.errors import TrunnionError
from trunnion_contract.strict import parse_json
from trunnion_inference.parameters import number
from trunnion_inference.process import run_node
from trunnion_inference.qos import NEWEST
from trunnion_sim.bins import misplaced
from trunnion_sim.contents import EpisodeOf, begin
from trunnion_sim.perturbation import Encoders
from trunnion_sim.robot import FINGERS, JointStates
from trunnion_sim.scenarios import NOMINAL, Scenario


class ProvingRobot(SimulatedRobot):
    """Tells its time on `/clock`, for nodes that have `use_sim_time`; `speed` simulated seconds pass in a real one.

    What a scenario does to messages on their way, latency and lost frames, is done here.
    """

    def __init__(self) -> None:
        self._scenario = Scenario(name=NOMINAL, episodes=1)
        self._order: tuple[dict[str, int], str] | None = None
        self._under_way: deque[tuple[float, Callable[[], None]]] = deque()
        self._luck = np.random.default_rng(0)
        self._encoders: Encoders | None = None
        super().__init__()

    def _declare(self) -> None:
        super()._declare()
        self.declare_parameter("speed", 1.0, number("Simulated seconds in a real one", 0.1, 20.0))

    def _advertise(self) -> None:
        super()._advertise()
        self._clock_publisher = self.create_publisher(Clock, "/clock", NEWEST)

    def _listen(self) -> None:
        super()._listen()
        self.create_service(LayOutEpisode, "~/lay_out_episode", self._on_episode)
        self.create_service(Trigger, "~/verdict", self._on_verdict)

    def _speed(self) -> float:
        return self._value("speed")

    def _now_s(self) -> float:
        return self._simulated_s

    def _moment(self, began_s: float) -> Time:
        seconds = int(self._simulated_s)
        stamp = Time(sec=seconds, nanosec=int((self._simulated_s - seconds) * 1e9))
        self._clock_publisher.publish(Clock(clock=stamp))
        self._deliver()
        return stamp

    def _send(self, publisher: Publisher, message: Any) -> None:
        """Let it arrive a latency later; a frame may be lost."""
        if publisher is self._image and self._luck.random() < self._scenario.dropped_frames:
            return
        arrives_s = self._simulated_s + self._scenario.latency_ms / 1000
        self._under_way.append((arrives_s, lambda: publisher.publish(message)))
        self._deliver()

    def _believed(self, joints: JointStates, position_base_m: np.ndarray) -> tuple[JointStates, np.ndarray]:
        if self._encoders is None:
            return joints, position_base_m
        position_base_m, opening_m = self._encoders.measure(position_base_m, self._cell.opening_m())
        positions = np.array([*joints.positions[: -len(FINGERS)], *[opening_m / len(FINGERS)] * len(FINGERS)])
        return replace(joints, positions=positions), position_base_m

    def _encoders_of(self, conditions: Scenario, rng: np.random.Generator) -> Encoders:
        noise = conditions.joint_noise_deg, conditions.finger_noise_mm
        return Encoders(self._cell.robot, *noise, rng.spawn(1)[0])

    def _deliver(self) -> None:
        while self._under_way and self._under_way[0][0] <= self._simulated_s:
            self._under_way.popleft()[1]()

    def _on_episode(
        self, request: LayOutEpisode.Request, response: LayOutEpisode.Response
    ) -> LayOutEpisode.Response:
        try:
            scenario = parse_json(Scenario, request.scenario, "the scenario")
        except TrunnionError as error:
            response.message = str(error)
            return response
        seed = int(request.seed)
        start = begin(self._cell, scenario, seed)
        self._drawing.lay_out(EpisodeOf(scenario, seed))
        self._rest()
        task, self._scenario = start.task, start.conditions
        self._order, self._luck = (task.order, task.bin), start.rng
        self._encoders = self._encoders_of(start.conditions, start.rng)
        self._under_way.clear()
        response.ok, response.bin = True, task.bin
        response.parts, response.quantities = list(task.order), list(task.order.values())
        return response

    def _on_verdict(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.message = misplaced(self._cell, *self._order) if self._order else "no episode was laid out"
        response.success = not response.message
        return response


def main() -> None:
    """The executable `proving_robot_node`."""
    run_node(ProvingRobot, ProvingRobot.last_word)
