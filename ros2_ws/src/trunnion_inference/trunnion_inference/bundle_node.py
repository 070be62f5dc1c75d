"""What detector and policy have in common: a lifecycle around the models of one bundle."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from trunnion_contract.bundle import Bundle
from trunnion_contract.errors import BadInput, ExitCode, TrunnionError
from trunnion_edge.backends import BACKENDS, DEVICES, Device, EngineSettings
from trunnion_inference.clocks import steady_clock
from trunnion_inference.heartbeat import ERROR, WARN, Health, Heartbeat
from trunnion_inference.parameters import text, whole
from trunnion_inference.robot_bundle import declare_bundle, open_named_bundle

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE
UNCONFIGURED, ACTIVE = "unconfigured", "active"


class BundleNode(LifecycleNode):
    """configure opens, verifies and warms up; activate lets data in; deactivate keeps the engine; cleanup frees it.

    A bundle that cannot be used fails the transition with its reason in the log and in the heartbeat; the node stays
    unconfigured and can be configured again.
    """

    DEVICE: ClassVar[Device] = "auto"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._failure, self._exit_code = "", ExitCode.OK
        self._declare()
        self._heartbeat = Heartbeat(self, self._health)
        if self.get_parameter("autostart").value or self.get_parameter("build_only").value:
            self._autostart = self.create_timer(0.0, self._start, clock=steady_clock())

    @abstractmethod
    def open(self, bundle: Bundle) -> None:
        """Open the engine, warm it up, make publishers and subscriptions."""

    @abstractmethod
    def runtime(self) -> str:
        """What runs the model that is open, as `Engine.runtime` says it."""

    @abstractmethod
    def begin(self) -> None:
        """Let data in."""

    @abstractmethod
    def pause(self) -> None:
        """Let no more data in, and leave the robot safe."""

    @abstractmethod
    def free(self) -> None:
        """Undo `open`, also one that failed half way."""

    @abstractmethod
    def active_health(self) -> Health:
        """What the heartbeat says while the node is active."""

    @property
    def state(self) -> str:
        """The lifecycle state's label."""
        return str(self._state_machine.current_state[1])

    def engine_settings(self) -> EngineSettings:
        """What the parameters say about the engine, as they are now.

        Raises:
            BadInput: a device that there is no such kind of.
        """
        device = str(self.get_parameter("device").value)
        if device not in DEVICES:
            raise BadInput(
                where=f"parameter 'device' of {self.get_name()}",
                got=f"'{device}'",
                wanted=f"one of {', '.join(DEVICES)}",
                next_step="correct it and configure the node again",
            )
        backend, threads = (self.get_parameter(name).value for name in ("backend", "threads"))
        cache = str(self.get_parameter("engine_cache_dir").value)
        return EngineSettings(
            backend,
            device,
            threads or None,
            Path(cache).expanduser() if cache else None,
            int(self.get_parameter("workspace_mib").value),
        )

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Open the bundle."""
        return self._attempt(self._open_bundle, else_free=True)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Let data in."""
        super().on_activate(state)
        return self._attempt(self.begin)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Let no more data in; the engine stays."""
        result = self._attempt(self.pause)
        super().on_deactivate(state)
        return result

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the engine."""
        return self._attempt(self.free)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Leave the robot safe and free the engine, from any state."""
        if state.label == ACTIVE:
            self._attempt(self.pause)
        return self._attempt(self.free)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free what there is; the node can be configured again."""
        return self._attempt(self.free)

    def last_word(self) -> None:
        """Before the process ends."""
        if self.state == ACTIVE:
            self.trigger_deactivate()
        self.free()

    def _LifecycleNodeMixin__change_state(self, transition_id: int) -> TransitionCallbackReturn:  # noqa: N802
        """Refuse a transition that the state does not allow: rclpy raises, which would end the process."""
        allowed = {transition[0] for transition in self._state_machine.available_transitions}
        if transition_id not in allowed:
            self.get_logger().error(
                f"got transition {transition_id} while {self.state}, wanted one of {sorted(allowed)}. "
                "Next: ask for a transition that this state has"
            )
            return FAILURE
        return super()._LifecycleNodeMixin__change_state(transition_id)

    def _declare(self) -> None:
        declare_bundle(self)
        known = ", ".join(("auto", *BACKENDS))
        self.declare_parameter("backend", "auto", text(f"Runtime of the engine ({known}); read by configure"))
        self.declare_parameter(
            "threads",
            0,
            whole("CPU threads of the engine, 0 leaves it to the runtime; read by configure", 0, 256),
        )
        self.declare_parameter(
            "device",
            self.DEVICE,
            text(
                "Where the engine runs: auto, cpu, or gpu, which is an error without one; read by configure"
            ),
        )
        self.declare_parameter(
            "engine_cache_dir",
            "",
            text(
                "Where engines built on this device are kept, empty for the user's cache; read by configure"
            ),
        )
        self.declare_parameter(
            "workspace_mib",
            EngineSettings().workspace_mib,
            whole("Memory of the GPU that the builder of an engine may use; read by configure", 1, 1 << 20),
        )
        self.declare_parameter(
            "build_only",
            False,
            text("Configure at start, which builds the engine, and end the process", read_only=True),
        )
        self.declare_parameter("autostart", False, text("Configure and activate at start", read_only=True))

    def _start(self) -> None:
        self._autostart.cancel()
        configured = self.trigger_configure() == SUCCESS
        if self.get_parameter("build_only").value:
            # Past rclpy, which swallows exceptions but no exits, to `run_node`, which lets the node free its engine.
            raise SystemExit(self._exit_code)
        if configured:
            self.trigger_activate()
        self._heartbeat.beat()

    def _open_bundle(self) -> None:
        bundle = open_named_bundle(self)
        self.open(bundle)
        if self.get_parameter("build_only").value:
            self.get_logger().info(
                f"build_only: the engine for {bundle.path.name} is ready on this device ({self.runtime()}); ends"
            )

    def _attempt(self, step: Callable[[], None], *, else_free: bool = False) -> TransitionCallbackReturn:
        """Do one transition's work; rclpy would swallow an exception, so that nobody would learn the reason."""
        try:
            step()
        except TrunnionError as error:
            self._failure, self._exit_code = str(error), error.exit_code
        except Exception as error:
            self._failure, self._exit_code = f"{type(error).__name__}: {error}", ExitCode.BROKEN
        else:
            self._failure = ""
            return SUCCESS
        self.get_logger().error(self._failure)
        if else_free:
            self.free()
        return FAILURE

    def _health(self) -> Health:
        state = self.state
        if self._failure:
            return Health(ERROR, self._failure, state)
        return self.active_health() if state == ACTIVE else Health(WARN, f"is {state}", state)
