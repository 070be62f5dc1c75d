"""What every lifecycle node here has: transitions that say why they fail, and a heartbeat in every state."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace

from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from trunnion_contract.errors import ExitCode, TrunnionError
from trunnion_inference.clocks import process_age_s, steady_clock
from trunnion_inference.heartbeat import ERROR, WARN, Health, Heartbeat
from trunnion_inference.parameters import text

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE
UNCONFIGURED, ACTIVE = "unconfigured", "active"


class ManagedNode(LifecycleNode):
    """configure makes ready; activate lets data in; deactivate keeps what is ready; cleanup frees it.

    What cannot be used fails the transition with its reason in the log and in the heartbeat; the node stays
    unconfigured and can be configured again. With the parameter `autostart` it configures and activates itself.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._failure, self._exit_code = "", ExitCode.OK
        self._active_after_s: float | None = None
        self.declare_parameter("autostart", False, text("Configure and activate at start", read_only=True))
        self._heartbeat = Heartbeat(self, self._health)
        if self.get_parameter("autostart").value:
            self._start_soon()

    @abstractmethod
    def make_ready(self) -> None:
        """Open what is costly, make publishers and subscriptions."""

    @abstractmethod
    def begin(self) -> None:
        """Let data in."""

    @abstractmethod
    def pause(self) -> None:
        """Let no more data in, and leave the robot safe."""

    @abstractmethod
    def free(self) -> None:
        """Undo `make_ready`, also one that failed half way."""

    @abstractmethod
    def active_health(self) -> Health:
        """What the heartbeat says while the node is active."""

    @property
    def state(self) -> str:
        """The lifecycle state's label."""
        return str(self._state_machine.current_state[1])

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Make ready, which may build an engine for an hour."""
        self._failure = ""
        with self._heartbeat.beating():
            return self._attempt(self.make_ready, else_free=True)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Let data in."""
        super().on_activate(state)
        return self._attempt(self.begin)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Let no more data in; what is ready stays."""
        result = self._attempt(self.pause)
        super().on_deactivate(state)
        return result

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free it."""
        return self._attempt(self.free)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Leave the robot safe and free everything, from any state."""
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

    def _start_soon(self) -> None:
        """Once the node spins."""
        self._autostart = self.create_timer(0.0, self._start, clock=steady_clock())

    def _start(self) -> None:
        self._autostart.cancel()
        if self.trigger_configure() == SUCCESS and self.trigger_activate() == SUCCESS:
            self._active_after_s = process_age_s()
        self._heartbeat.beat()

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
        if state != ACTIVE:
            return Health(WARN, f"is {state}", state)
        health = self.active_health()
        if self._active_after_s is None:
            return health
        return replace(health, values={**health.values, "active_after_s": f"{self._active_after_s:.2f}"})
