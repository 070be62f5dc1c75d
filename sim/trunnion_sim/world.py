"""The simulated world: the one place that talks to PyBullet, always without a window.

Everything else builds, moves and looks at bodies through the verbs of `World`, so that a world with the same verbs on
another simulator could take its place. Bodies, joints and links are numbers; link -1 is a body's base.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pybullet_data

from trunnion_sim.solids import Ball, Box, Cylinder, Finish, Floats, Friction, LinkState, MeshFile, Solid
from trunnion_sim.view import Frame, Light, View


def _imported_silently(name: str) -> Any:
    """Import a module whose native code greets on standard error."""
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
            return importlib.import_module(name)
    finally:
        os.dup2(kept, 2)
        os.close(kept)


pybullet = _imported_silently("pybullet")

PHYSICS_HZ = 240
GRAVITY_MPS2 = 9.81
UPRIGHT_XYZW = (0.0, 0.0, 0.0, 1.0)
BASE = -1


class World:
    """One world of its own; worlds of one process do not see each other.

    Args:
        step_s: how far one step advances.
        substeps: physics steps in it, all made by one call.
    """

    def __init__(self, step_s: float = 1 / PHYSICS_HZ, substeps: int = 1) -> None:
        self._step_s, self._substeps = step_s, substeps
        self._bullet = _Bullet()
        self._known: dict[tuple[object, ...], Any] = {}
        self.clear()

    def clear(self) -> None:
        """Remove everything, caches included, and set the physics as it always is here."""
        self._known.clear()
        self._bullet.resetSimulation(flags=self._bullet.RESET_USE_SIMPLE_BROADPHASE)
        self._bullet.setPhysicsEngineParameter(
            fixedTimeStep=self._step_s, numSubSteps=self._substeps if self._substeps > 1 else 0,
            numSolverIterations=50, deterministicOverlappingPairs=1,
        )  # fmt: skip
        self._bullet.setGravity(0, 0, -GRAVITY_MPS2)

    def step(self, count: int = 1) -> None:
        """Advance physics by `count` steps, of 1/240 s unless the world was made with others."""
        self._known.clear()
        for _ in range(count):
            self._bullet.stepSimulation()

    def add(
        self,
        solid: Solid | None,
        drawn: Solid | MeshFile | None = None,
        finish: Finish = Finish(),  # noqa: B008
        *,
        mass_kg: float = 0.0,
        at_m: Sequence[float],
        orientation_xyzw: Sequence[float] = UPRIGHT_XYZW,
    ) -> int:
        """Add a body, fixed where it has no mass; without a solid nothing touches it."""
        touched = -1 if solid is None else self._touched(solid)
        seen = -1 if drawn is None else self._seen(drawn, finish)
        return int(self._bullet.createMultiBody(mass_kg, touched, seen, at_m, orientation_xyzw))

    def add_fixed(self, boxes: Sequence[tuple[Floats, Box]], drawn: Sequence[Box], finish: Finish) -> int:
        """Add one fixed body of several boxes at their centres, each drawn as another box; link n is box n + 1."""
        touched = [self._touched(box) for _, box in boxes]
        seen = [self._seen(box, finish) for box in drawn]
        base, *rest = (np.array(center_m) for center_m, _ in boxes)
        count = len(rest)
        return int(self._bullet.createMultiBody(
            baseMass=0, baseCollisionShapeIndex=touched[0], baseVisualShapeIndex=seen[0], basePosition=base.tolist(),
            linkMasses=[0] * count, linkCollisionShapeIndices=touched[1:], linkVisualShapeIndices=seen[1:],
            linkPositions=[(center_m - base).tolist() for center_m in rest],
            linkOrientations=[UPRIGHT_XYZW] * count, linkInertialFramePositions=[[0, 0, 0]] * count,
            linkInertialFrameOrientations=[UPRIGHT_XYZW] * count, linkParentIndices=[0] * count,
            linkJointTypes=[self._bullet.JOINT_FIXED] * count, linkJointAxis=[[0, 0, 1]] * count,
        ))  # fmt: skip

    def add_arm(self, urdf: Path, at_m: Floats = (0.0, 0.0, 0.0)) -> int:
        """Add what a URDF file describes, its base fixed."""
        return int(self._bullet.loadURDF(str(urdf), at_m, useFixedBase=True))

    def add_surface(self, corners_m: np.ndarray) -> int:
        """Add a fixed surface of triangles with these corners, float64 [n, 3, 3]: hollow, and not drawn."""
        return int(self._bullet.createMultiBody(0, self._bullet.createCollisionShape(
            self._bullet.GEOM_MESH, vertices=corners_m.reshape(-1, 3).tolist(),
            indices=list(range(3 * len(corners_m))), flags=self._bullet.GEOM_FORCE_CONCAVE_TRIMESH,
        )))  # fmt: skip

    def unhindered(self, starts_m: np.ndarray, ends_m: np.ndarray) -> np.ndarray:
        """Whether nothing is on the straight ways, 16,384 at most, float64 [n, 3] each end; bool [n]."""
        return np.array([way[0] < 0 for way in self._bullet.rayTestBatch(starts_m.tolist(), ends_m.tolist())])

    def mirror(self, body: int, joint: int, other: int) -> None:
        """Make one sliding joint of a body move as another one does."""
        gear = self._bullet.createConstraint(
            body, joint, body, other, self._bullet.JOINT_GEAR, [1, 0, 0], [0] * 3, [0] * 3
        )
        self._bullet.changeConstraint(gear, gearRatio=-1, erp=0.2, maxForce=200)

    def remove(self, body: int) -> None:
        """Take a body away."""
        self._known.clear()
        self._bullet.removeBody(body)

    def rub(self, body: int, friction: Friction, link: int = BASE) -> None:
        """Give a link's surface its friction."""
        self._bullet.changeDynamics(
            body, link, lateralFriction=friction.sliding, spinningFriction=friction.spinning_m
        )

    def paint(self, body: int, base: Floats, links: Floats) -> None:
        """Give a body's base and its links their colours, RGB in 0..1."""
        self._bullet.changeVisualShape(body, BASE, rgbaColor=[*base, 1])
        for link in range(self._bullet.getNumJoints(body)):
            self._bullet.changeVisualShape(body, link, rgbaColor=[*links, 1])

    def pose(self, body: int) -> tuple[Floats, Floats]:
        """Where a body's base is (m), and how it is turned (quaternion, xyzw)."""
        return self._bullet.getBasePositionAndOrientation(body)  # type: ignore[no-any-return]

    def velocity(self, body: int) -> tuple[Floats, Floats]:
        """How fast a body's base moves (m/s) and turns (rad/s)."""
        return self._bullet.getBaseVelocity(body)  # type: ignore[no-any-return]

    def put(
        self, body: int, position_m: Sequence[float], orientation_xyzw: Sequence[float] = UPRIGHT_XYZW
    ) -> None:
        """Put a body there at once, at rest."""
        self._known.clear()
        self._bullet.resetBasePositionAndOrientation(body, position_m, orientation_xyzw)
        self._bullet.resetBaseVelocity(body, (0, 0, 0), (0, 0, 0))

    def put_joints(self, body: int, joints: Sequence[int], places: Sequence[float]) -> None:
        """Put joints there at once (rad or m), at rest."""
        self._known.clear()
        for joint, place in zip(joints, places, strict=True):
            self._bullet.resetJointState(body, joint, place, 0.0)

    def joint_places(self, body: int, joints: tuple[int, ...]) -> Floats:
        """Where joints are (rad or m); asked once for as long as nothing moves."""
        if (body, joints) not in self._known:
            states = self._bullet.getJointStates(body, joints)
            self._known[body, joints] = tuple([state[0] for state in states])
        return self._known[body, joints]  # type: ignore[no-any-return]

    def joint_states(self, body: int, joints: Sequence[int]) -> np.ndarray:
        """Places, velocities and the motors' efforts of n joints, float64 [3, n]."""
        return np.array([(s[0], s[1], s[3]) for s in self._bullet.getJointStates(body, joints)]).T

    def link(self, body: int, link: int) -> LinkState:
        """Where a link is now, and how it moves; asked once for as long as nothing moves."""
        if (body, link) not in self._known:
            state = self._bullet.getLinkState(body, link, 1, 1)
            self._known[body, link] = LinkState(state[0], *state[4:8])
        return self._known[body, link]  # type: ignore[no-any-return]

    def jacobian(self, body: int, link: int, joints: tuple[int, ...]) -> np.ndarray:
        """How far a link moves for each of all the body's moving `joints`, float64 [3, n]."""
        places, still = self.joint_places(body, joints), [0.0] * len(joints)
        linear, _ = self._bullet.calculateJacobian(body, link, [0.0, 0.0, 0.0], places, still, still)
        return np.array(linear)

    def drive_at(
        self, body: int, joints: Sequence[int], velocities: Sequence[float], efforts: Sequence[float]
    ) -> None:
        """Let motors move joints at these velocities from now on, with these efforts at most."""
        self._bullet.setJointMotorControlArray(
            body, joints, self._bullet.VELOCITY_CONTROL, targetVelocities=velocities, forces=efforts
        )

    def drive_to(
        self, body: int, joints: Sequence[int], places: Sequence[float], efforts: Sequence[float]
    ) -> None:
        """Let motors bring joints to these places and keep them there, with these efforts at most."""
        self._bullet.setJointMotorControlArray(
            body, joints, self._bullet.POSITION_CONTROL, targetPositions=places, forces=efforts
        )

    def drive_gently_to(self, body: int, joint: int, place: float, effort: float, speed: float) -> None:
        """Let a motor bring one joint to this place, no faster than `speed`."""
        self._bullet.setJointMotorControl2(
            body, joint, self._bullet.POSITION_CONTROL, targetPosition=place, force=effort,
            maxVelocity=speed, positionGain=0.3, velocityGain=1.0,
        )  # fmt: skip

    def touched_by(self, body: int) -> set[int]:
        """The other bodies that touch the links of `body`, not counting its base, since the last step."""
        points = self._bullet.getContactPoints(bodyA=body)
        # By PyBullet's order: 2 is the other body, 3 the link, 8 the distance, positive while they only come near.
        return {point[2] for point in points if point[2] != body and point[3] >= 0 and point[8] <= 0}

    def picture(self, view: View, light: Light) -> Frame:
        """Draw the world as it stands, without shadows."""
        bullet, width, height = self._bullet, view.width_px, view.height_px
        projection = list(bullet.computeProjectionMatrixFOV(
            view.vertical_field_of_view_deg, width / height, view.near_m, view.far_m
        ))  # fmt: skip
        # TinyRenderer samples a pixel at its lower left corner; a pinhole camera means its middle.
        projection[8] += 1 / width
        projection[9] += 1 / height
        _, _, rgba, depth, bodies = bullet.getCameraImage(
            width, height, bullet.computeViewMatrix(view.position_m, view.look_at_m, view.up), projection,
            renderer=bullet.ER_TINY_RENDERER, shadow=0,
            lightDirection=light.toward_base, lightColor=light.colour, lightDistance=3.0,
            lightAmbientCoeff=light.ambient, lightDiffuseCoeff=light.diffuse, lightSpecularCoeff=light.specular,
        )  # fmt: skip
        return Frame(
            np.reshape(np.asarray(rgba, np.uint8), (height, width, 4)),
            np.reshape(np.asarray(depth, np.float32), (height, width)),
            np.reshape(np.asarray(bodies, np.int32), (height, width)),
        )

    def close(self) -> None:
        """Give the world back; a closed world cannot be used again."""
        if self._bullet.isConnected():
            self._bullet.disconnect()

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _touched(self, solid: Solid) -> int:
        return int(self._bullet.createCollisionShape(**_geometry(solid, "height")))

    def _seen(self, drawn: Solid | MeshFile, finish: Finish) -> int:
        looks: dict[str, Any] = {} if finish.colour is None else {"rgbaColor": [*finish.colour, 1]}
        if finish.gloss is not None:
            looks["specularColor"] = finish.gloss
        return int(self._bullet.createVisualShape(**_geometry(drawn, "length"), **looks))


class _Bullet:
    """PyBullet's functions and constants, bound to one world; each is looked up once."""

    def __init__(self) -> None:
        self._client = pybullet.connect(pybullet.DIRECT)

    def __getattr__(self, name: str) -> Any:
        value = getattr(pybullet, name)
        if inspect.isbuiltin(value):
            value = functools.partial(value, physicsClientId=self._client)
        setattr(self, name, value)
        return value


def _geometry(shape: Solid | MeshFile, height: str) -> dict[str, Any]:
    """The shape in PyBullet's words, which call a cylinder's height by another name where it is drawn."""
    match shape:
        case Box(half_m):
            return {"shapeType": pybullet.GEOM_BOX, "halfExtents": half_m}
        case Cylinder(radius_m, height_m):
            return {"shapeType": pybullet.GEOM_CYLINDER, "radius": radius_m, height: height_m}
        case Ball(radius_m):
            return {"shapeType": pybullet.GEOM_SPHERE, "radius": radius_m}
        case MeshFile(path):
            return {"shapeType": pybullet.GEOM_MESH, "fileName": str(path)}


def quaternion_xyzw(roll_rad: float, pitch_rad: float, yaw_rad: float) -> Floats:
    """The turn about the fixed x, y and z axes, in this order, as a unit quaternion."""
    return tuple(pybullet.getQuaternionFromEuler([roll_rad, pitch_rad, yaw_rad]))


def rotation(orientation_xyzw: Sequence[float]) -> np.ndarray:
    """A unit quaternion as a matrix, float64 [3, 3]."""
    return np.array(pybullet.getMatrixFromQuaternion(orientation_xyzw)).reshape(3, 3)


def stock_panda() -> Path:
    """The folder with the Panda that comes with the simulator: `panda.urdf` and its meshes."""
    return Path(pybullet_data.getDataPath()) / "franka_panda"
