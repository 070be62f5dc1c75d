"""The policy as a lifecycle node: at its own steady rate, from pose, joints and goal to velocity and gripper width."""

from __future__ import annotations

import time

from geometry_msgs.msg import Point as PointMessage
from geometry_msgs.msg import PoseStamped, TwistStamped
from rclpy.duration import Duration
from rclpy.event_handler import SubscriptionEventCallbacks
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool, Float64
from std_srvs.srv import Trigger
from trunnion_interfaces.msg import PolicyGoal, PolicyStatus

from trunnion_contract.bundle import Bundle
from trunnion_contract.cell import Point
from trunnion_edge.goals import Goal, Mode
from trunnion_edge.policy import Policy
from trunnion_edge.telemetry import Timings
from trunnion_inference.bundle_node import BundleNode
from trunnion_inference.clocks import header_now, now_s, period_clock, stamp_s
from trunnion_inference.controller import Controller, Opening, Output, Position, StampedGoal
from trunnion_inference.emergency_stop import EmergencyStop
from trunnion_inference.heartbeat import WARN, Health
from trunnion_inference.managed_node import ACTIVE
from trunnion_inference.parameters import number, text, whole
from trunnion_inference.process import run_node
from trunnion_inference.qos import COMMAND, NEWEST, RESULTS, overridable
from trunnion_inference.robot_bundle import cell_of
from trunnion_inference.scheduling import PRIORITY, TimeKeeping

FINGERS = ("panda_finger_joint1", "panda_finger_joint2")
FRAME = "base"
DELIVERY_S = 0.2


class PolicyNode(BundleNode):
    """Commands the arm each period, whatever has or has not come in: the controller decides when to hold."""

    # A network this small loses more on the way to a GPU than it wins there.
    DEVICE = "cpu"
    # A thread of the runtime has no real-time priority: waiting for it would make the command late.
    THREADS = 1

    def __init__(self) -> None:
        super().__init__("policy")
        self._policy: Policy | None = None
        self._time_keeping = TimeKeeping()
        # Outlives cleanup and configure: a stop is taken back by its service alone.
        self._stop = EmergencyStop()
        self._listen_for_stops()
        self._controller: Controller | None = None
        self.declare_parameter(
            "goal_age_max_ms",
            300.0,
            number("An older goal makes the arm hold; read by configure", 1.0, 60000.0),
        )
        self.declare_parameter(
            "reaction_ms",
            40.0,
            number("How long the arm takes to follow a command; read by configure", 0.0, 1000.0),
        )
        self.declare_parameter(
            "emergency_stop_silence_max_ms",
            0.0,
            number(
                "Silence of emergency_stop that stops the arm, 0 for never; read by configure", 0.0, 60000.0
            ),
        )
        self.declare_parameter(
            "realtime_priority",
            PRIORITY,
            whole(
                "Of the thread that commands, where it has the right to it, 0 for none; read by activate",
                0,
                99,
            ),
        )
        self.declare_parameter(
            "finger_joints", list(FINGERS), text("Joints whose sum is the width of the gripper")
        )
        self._forget()

    def open(self, bundle: Bundle) -> None:
        """Open the policy, warm it up, and make the controller that stands between it and the arm."""
        self._limits = cell_of(bundle).limits
        policy = Policy.from_model(bundle.model, bundle.read, self.engine_settings())
        self._policy = policy
        self._make_controller()
        policy.warm_up()
        self._model = f"{bundle.manifest.name} {bundle.manifest.version} {bundle.digest[:12]}"
        self._advertise()
        self._stop.silence_max_s = self._milliseconds("emergency_stop_silence_max_ms")
        self._listen()
        self.get_logger().info(f"runs {self._model} at {policy.spec.rate_hz:g} Hz")

    def runtime(self) -> str:
        """What runs the policy."""
        assert self._policy is not None
        return self._policy.engine.runtime

    def begin(self) -> None:
        """Command the arm from now on, first of all to hold."""
        self._forget()
        self._make_controller()
        assert self._controller is not None
        self._timer = self.create_timer(self._controller.period_s, self._on_period, clock=period_clock(self))
        # The last step: one that failed would leave a thread that does nothing before all others.
        self._time_keeping.begin(int(self.get_parameter("realtime_priority").value))

    def pause(self) -> None:
        """Stop the arm and command no more."""
        self._time_keeping.end()
        if (timer := self.__dict__.pop("_timer", None)) is not None:
            self.destroy_timer(timer)
        self._twist.publish(self._twist_message((0.0, 0.0, 0.0)))
        # What a publisher that is destroyed has not delivered is lost.
        self._twist.wait_for_all_acked(Duration(seconds=DELIVERY_S))

    def free(self) -> None:
        """Close the engine and the topics."""
        self._time_keeping.end()
        if (timer := self.__dict__.pop("_timer", None)) is not None:
            self.destroy_timer(timer)
        if self._policy is not None:
            self._policy.close()
        self._policy = self._controller = None
        for name, destroy in (
            ("_subscriptions_here", self.destroy_subscription),
            ("_publishers_here", self.destroy_publisher),
        ):
            for endpoint in self.__dict__.pop(name, ()):
                destroy(endpoint)

    def active_health(self) -> Health:
        """The mode, why the arm holds, how regular the periods are and what one costs."""
        output = self._output
        reason = output.hold_reason if output else ""
        values = {"mode": output.mode.name if output else Mode.HOLD.name, "model": self._model}
        values["scheduling"] = self._time_keeping.said
        for name, timings in (("jitter", self._jitter), ("step", self._step_time)):
            summary = timings.summary()
            values |= {
                f"{name}_{key}": f"{value:.2f}" for key, value in summary.items() if key.endswith("_ms")
            }
        return Health(WARN, f"holds: {reason}", values=values) if reason else Health(values=values)

    def _make_controller(self) -> None:
        assert self._policy is not None
        goal_age_max_s, reaction_s = (self._milliseconds(name) for name in ("goal_age_max_ms", "reaction_ms"))
        self._controller = Controller(self._policy, self._limits, goal_age_max_s, reaction_s)

    def _advertise(self) -> None:
        self._twist = self.create_publisher(TwistStamped, "servo/delta_twist_cmds", **overridable(COMMAND))
        self._gripper = self.create_publisher(Float64, "gripper/opening_cmd", **overridable(COMMAND))
        self._status = self.create_publisher(PolicyStatus, "policy/status", **overridable(COMMAND))
        self._publishers_here = (self._twist, self._gripper, self._status)

    def _listen(self) -> None:
        self._fingers = tuple(self.get_parameter("finger_joints").value)
        self._subscriptions_here = (
            self.create_subscription(PoseStamped, "current_pose", self._on_pose, **overridable(NEWEST)),
            self.create_subscription(JointState, "joint_states", self._on_joints, **overridable(NEWEST)),
            self.create_subscription(PolicyGoal, "policy/goal", self._on_goal, **overridable(COMMAND)),
        )

    def _on_pose(self, message: PoseStamped) -> None:
        self._position = Position(_point(message.pose.position), stamp_s(message.header))

    def _on_joints(self, message: JointState) -> None:
        positions = dict(zip(message.name, message.position, strict=False))
        if all(name in positions for name in self._fingers):
            width_m = sum(positions[name] for name in self._fingers)
            self._opening = Opening(width_m, stamp_s(message.header))

    def _on_goal(self, message: PolicyGoal) -> None:
        if message.mode not in tuple(Mode) or message.header.frame_id not in ("", FRAME):
            self.get_logger().error(
                f"policy/goal: got mode {message.mode} in frame '{message.header.frame_id}', "
                f"wanted a mode of PolicyGoal in frame '{FRAME}'. Next: correct the sender; the goal is ignored",
                throttle_duration_sec=5.0,
            )
            return
        goal = Goal(Mode(message.mode), _point(message.target), _point(message.place), message.opening_m)
        self._wish = StampedGoal(goal, stamp_s(message.header))

    def _listen_for_stops(self) -> None:
        """In every state. Twice, because a reliable subscription does not hear a best effort publisher."""
        # Without the default warning that it hears nothing of such a publisher: the other one does.
        quiet = SubscriptionEventCallbacks(use_default_callbacks=False)
        self.create_subscription(
            Bool, "emergency_stop", self._on_stop, event_callbacks=quiet, **overridable(RESULTS)
        )
        self.create_subscription(Bool, "emergency_stop", self._on_stop, **overridable(NEWEST, "best_effort"))
        self.create_service(Trigger, "~/release_emergency_stop", self._on_release)

    def _on_release(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._stop.release()
        self.get_logger().warning("the emergency stop was released")
        response.success, response.message = True, self._stop.reason(time.monotonic()) or "the arm may move"
        return response

    def _on_stop(self, message: Bool) -> None:
        self._stop.hear(message.data, time.monotonic())
        # The arm does not wait for the next period.
        if message.data and self.state == ACTIVE:
            self._command()

    def _on_period(self) -> None:
        began_s = time.perf_counter()
        self._note_jitter(began_s)
        self._command()
        self._step_time.add((time.perf_counter() - began_s) * 1e3)

    def _command(self) -> None:
        assert self._controller is not None
        stop = self._stop.reason(time.monotonic())
        output = self._controller.step(now_s(self), self._position, self._opening, self._wish, stop)
        self._twist.publish(self._twist_message(output.velocity_base_mps))
        if output.opening_m is not None:
            self._gripper.publish(Float64(data=float(output.opening_m)))
        self._status.publish(self._status_message(output))
        self._log_hold(output)
        self._output = output

    def _note_jitter(self, began_s: float) -> None:
        """How far each period is from its length."""
        if self._last_period_s is not None and self._controller is not None:
            self._jitter.add(abs(began_s - self._last_period_s - self._controller.period_s) * 1e3)
        self._last_period_s = began_s

    def _log_hold(self, output: Output) -> None:
        # Ages differ each period: only the beginning of a hold is worth a line.
        if output.hold_reason and not (self._output and self._output.hold_reason):
            self.get_logger().warning(f"holds: {output.hold_reason}")

    def _twist_message(self, velocity_base_mps: tuple[float, ...]) -> TwistStamped:
        message = TwistStamped(header=header_now(self, FRAME))
        message.twist.linear.x, message.twist.linear.y, message.twist.linear.z = map(float, velocity_base_mps)
        return message

    def _status_message(self, output: Output) -> PolicyStatus:
        assert self._controller is not None
        return PolicyStatus(
            header=header_now(self, FRAME),
            mode=int(output.mode),
            grasped=output.grasped,
            opening_m=self._opening.width_m if self._opening else 0.0,
            hold_reason=output.hold_reason,
            model=self._model,
            holds=self._controller.holds,
        )

    def _milliseconds(self, name: str) -> float:
        return float(self.get_parameter(name).value) / 1e3

    def _forget(self) -> None:
        self._position: Position | None = None
        self._opening: Opening | None = None
        self._wish: StampedGoal | None = None
        self._output: Output | None = None
        self._last_period_s: float | None = None
        self._jitter, self._step_time = Timings(), Timings()


def _point(point: PointMessage) -> Point:
    return (point.x, point.y, point.z)


def main() -> None:
    """The executable `policy_node`."""
    run_node(PolicyNode, PolicyNode.last_word)
