"""What detector and policy have in common: a lifecycle around the models of one bundle."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

from trunnion_contract.bundle import Bundle
from trunnion_contract.errors import BadInput
from trunnion_edge.backends import BACKENDS, DEVICES, Device, EngineSettings
from trunnion_inference.managed_node import ManagedNode
from trunnion_inference.parameters import text, whole
from trunnion_inference.robot_bundle import declare_bundle, open_named_bundle


class BundleNode(ManagedNode):
    """configure opens, verifies and warms up; activate lets data in; deactivate keeps the engine; cleanup frees it."""

    DEVICE: ClassVar[Device] = "auto"
    # Threads of the engine; 0 leaves it to the runtime.
    THREADS = 0

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._declare()
        if self.get_parameter("build_only").value and not self.get_parameter("autostart").value:
            self._start_soon()

    @abstractmethod
    def open(self, bundle: Bundle) -> None:
        """Open the engine, warm it up, make publishers and subscriptions."""

    @abstractmethod
    def runtime(self) -> str:
        """What runs the model that is open, as `Engine.runtime` says it."""

    def make_ready(self) -> None:
        """Open the bundle that the parameter names."""
        bundle = open_named_bundle(self)
        self.open(bundle)
        if self.get_parameter("build_only").value:
            self.get_logger().info(
                f"build_only: the engine for {bundle.path.name} is ready on this device ({self.runtime()}); ends"
            )

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
            bool(self.get_parameter("attached_engines").value),
        )

    def _declare(self) -> None:
        declare_bundle(self)
        known = ", ".join(("auto", *BACKENDS))
        self.declare_parameter("backend", "auto", text(f"Runtime of the engine ({known}); read by configure"))
        self.declare_parameter(
            "threads",
            self.THREADS,
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
            "attached_engines",
            True,
            text(
                "Whether a built engine that came in the bundle, code to the GPU, is taken; read by configure"
            ),
        )
        self.declare_parameter(
            "build_only",
            False,
            text("Configure at start, which builds the engine, and end the process", read_only=True),
        )

    def _start(self) -> None:
        if not self.get_parameter("build_only").value:
            super()._start()
            return
        self._autostart.cancel()
        self.trigger_configure()
        # Past rclpy, which swallows exceptions but no exits, to `run_node`, which lets the node free its engine.
        raise SystemExit(self._exit_code)
