"""The simulated cell: arm, tray, bins and parts, driven like the real one."""

from __future__ import annotations

from collections.abc import Container, Sequence
from types import TracebackType

import numpy as np

from trunnion_contract.cell import CameraLayout, CellLayout
from trunnion_sim.layout import SORTING_CELL
from trunnion_sim.parts import CLEARANCE_M, Colour, Part, Placement, put, scattered
from trunnion_sim.randomisation import metal_colour, seen_against
from trunnion_sim.renderer import SUPERSAMPLING, Look, Renderer
from trunnion_sim.robot import JointStates, Panda, substeps
from trunnion_sim.scenery import BIN_WALL_HEIGHT_M, build_scenery
from trunnion_sim.view import Frame
from trunnion_sim.world import World

CONTROL_PERIOD_S = 0.05
FRICTION = 0.8
_AWAY_BASE_M = np.array([0.36, 0.0, 0.40])


class SimulatedCell:
    """A cell in a world of its own. The same calls give the same bytes, in a new cell or a used one.

    Args:
        layout: where everything stands.
        look: how it looks; pictures of a cell that nobody looks at cost nothing.
        supersampling: how many times finer than shown pictures are drawn; time goes with its square.
    """

    def __init__(
        self,
        layout: CellLayout = SORTING_CELL,
        look: Look | None = None,
        *,
        supersampling: int = SUPERSAMPLING,
    ) -> None:
        self.layout = layout
        self.world = World()
        build_scenery(self.world, layout, visible=False)
        self.robot = Panda(self.world)
        self.parts: list[Part] = []
        self._renderer = Renderer(layout, look or Look(), supersampling=supersampling)

    def reset(
        self,
        placements: Sequence[Placement],
        *,
        colours: Sequence[Colour] | None = None,
        friction: float = FRICTION,
        mass_scale: float = 1.0,
        grasp_base_m: np.ndarray | None = None,
    ) -> None:
        """Start again with these parts, the arm at rest with open fingers at `grasp_base_m` (default: home).

        Every part weighs `mass_scale` times its mass.
        """
        self._forget()
        steel: Colour = (0.62, 0.63, 0.65)
        self.parts = [
            put(self.world, placement, colours[number] if colours else steel, friction, mass_scale)
            for number, placement in enumerate(placements)
        ]
        home = np.array(self.layout.home_base_m) if grasp_base_m is None else grasp_base_m
        self.robot.place(home, self.layout.limits.opening_max_m)

    def lay_out(self, labels: Sequence[str], rng: np.random.Generator, *, friction: float = FRICTION) -> None:
        """Start again with these parts at random in the tray, each in a metal's colour, with room for the fingers."""
        tray = self.layout.tray
        placements = scattered(labels, tray.center_base_m, tray.size_m, rng, clearance_m=CLEARANCE_M)
        behind = self._renderer.look.palette.tray
        colours = [seen_against(behind, metal_colour, rng) for _ in placements]
        self.reset(placements, colours=colours, friction=friction)

    def step(
        self, velocity_base_mps: np.ndarray, opening_m: float, duration_s: float = CONTROL_PERIOD_S
    ) -> None:
        """Move the grasp point at this velocity for `duration_s` and tell the gripper this opening."""
        self.robot.command(velocity_base_mps, opening_m, duration_s)
        self.world.step(substeps(duration_s))

    def render(self) -> np.ndarray:
        """What the camera sees now: uint8 [h, w, 3], BGR."""
        return self._renderer.picture(self.world).image_bgr

    def capture(self) -> Frame:
        """What the renderer draws of arm and parts, without the scenery."""
        return self._renderer.camera.capture(self.world, self._renderer.look.light)

    def set_look(self, look: Look, camera: CameraLayout | None = None) -> None:
        """Change light and colours, and where the camera really is (default: where the layout says).

        A look that stays keeps the scenery as it was drawn.
        """
        camera = camera or self.layout.camera
        if (look, camera) != (self._renderer.look, self._renderer.camera.layout):
            supersampling = self._renderer.supersampling
            self._renderer = Renderer(self.layout, look, camera, supersampling=supersampling)

    def grasp_point_base_m(self) -> np.ndarray:
        """The point between the fingertips, float64 [3]."""
        return self.robot.grasp_point_base_m()

    def opening_m(self) -> float:
        """The distance between the fingertips."""
        return self.robot.opening_m()

    def joint_states(self) -> JointStates:
        """What the arm's encoders and motors report."""
        return self.robot.joint_states()

    def part_poses_base(self) -> np.ndarray:
        """Middle and rotation of every part, in the order in which they were put down: float64 [n, 12]."""
        return np.array([[*part.position_base_m(), *part.rotation_base().flat] for part in self.parts])

    def touched_by_arm(self, allowed: Container[str] = ()) -> set[int]:
        """The bodies that arm and hand touch now: scenery, and parts whose labels are not among `allowed`."""
        free = {part.body for part in self.parts if part.kind.label in allowed}
        return self.world.touched_by(self.robot.body) - free

    def bin_of(self, part: Part) -> str | None:
        """The bin a part lies in (below the rim), or None."""
        x, y, z = self.world.pose(part.body)[0]
        for name, place in self.layout.bins.items():
            (center_x, center_y, floor), (size_x, size_y) = place.center_base_m, place.size_m
            within = abs(x - center_x) <= size_x / 2 and abs(y - center_y) <= size_y / 2
            if within and z < floor + BIN_WALL_HEIGHT_M:
                return name
        return None

    def close(self) -> None:
        """Give the world back."""
        self.world.close()

    def __enter__(self) -> SimulatedCell:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _forget(self) -> None:
        """Leave nothing of the last episode behind.

        PyBullet keeps contacts from one step to the next, and saving and restoring its state keeps them too. With the
        parts gone, the arm away from everything and one step made, there is none left to keep. Bodies that go in
        reverse order leave their numbers to the next ones in order.
        """
        for part in reversed(self.parts):
            self.world.remove(part.body)
        self.parts = []
        self.robot.place(_AWAY_BASE_M, self.layout.limits.opening_max_m)
        self.world.step()
