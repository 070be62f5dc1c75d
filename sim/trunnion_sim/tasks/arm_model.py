"""The Panda of the tasks: links that do not move against each other are one, because physics pays for every link.

The hand is welded to the last link, and joints 3 and 5 stay where the closed-form kinematics always keep them: at zero.
"""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement, parse

import numpy as np

from trunnion_sim.meshes import cached_folder
from trunnion_sim.panda_model import panda_urdf

# From the tip to the base, so that what is welded to a link goes with it.
WELDED_JOINTS = (
    "panda_grasptarget_hand", "panda_hand_joint", "panda_joint8", "panda_joint5", "panda_joint3",
)  # fmt: skip


def welded_panda_urdf() -> Path:
    """The path of a Panda URDF of five arm joints and two fingers, in the shapes of `panda_urdf`; made on first use."""
    source = panda_urdf()
    recipe = Path(__file__).read_bytes() + source.parent.name.encode()
    return cached_folder("welded_panda", recipe, lambda folder: _build(source, folder)) / "panda.urdf"


def _build(source: Path, folder: Path) -> None:
    shutil.copytree(source.parent, folder, dirs_exist_ok=True)
    robot = parse(source).getroot()
    for name in WELDED_JOINTS:
        _weld(robot, name)
    ElementTree(robot).write(folder / "panda.urdf")


def _weld(robot: Element, joint_name: str) -> None:
    """Give the parent the child's shapes, mass and joints, and drop the child."""
    joint = _found(robot, f"joint[@name='{joint_name}']")
    parent_name, child_name = (_found(joint, end).attrib["link"] for end in ("parent", "child"))
    parent, child = (_found(robot, f"link[@name='{name}']") for name in (parent_name, child_name))
    pose = _pose(joint)
    _weigh_together(parent, child, pose)
    for shape in (*child.findall("visual"), *child.findall("collision")):
        _set_pose(shape, pose @ _pose(shape))
        parent.append(shape)
    robot.remove(joint)
    robot.remove(child)
    for other in robot.findall("joint"):
        if _found(other, "parent").attrib["link"] == child_name:
            _found(other, "parent").set("link", parent_name)
            _set_pose(other, pose @ _pose(other))


def _weigh_together(parent: Element, child: Element, pose: np.ndarray) -> None:
    """One mass in the common centre. PyBullet takes the inertia from shapes and mass, and not from the file."""
    inertials = [_found(link, "inertial") for link in (parent, child)]
    masses_kg = [float(_found(inertial, "mass").attrib["value"]) for inertial in inertials]
    centers_m = _pose(inertials[0])[:3, 3], (pose @ _pose(inertials[1]))[:3, 3]
    together = np.eye(4)
    together[:3, 3] = np.average(centers_m, axis=0, weights=masses_kg)
    _found(inertials[0], "mass").set("value", repr(sum(masses_kg)))
    _set_pose(inertials[0], together)


def _pose(element: Element) -> np.ndarray:
    """What its origin says, float64 [4, 4]."""
    origin, pose = element.find("origin"), np.eye(4)
    if origin is not None:
        roll, pitch, yaw = (float(angle) for angle in origin.get("rpy", "0 0 0").split())
        pose[:3, :3] = _about(2, yaw) @ _about(1, pitch) @ _about(0, roll)
        pose[:3, 3] = [float(value) for value in origin.get("xyz", "0 0 0").split()]
    return pose


def _set_pose(element: Element, pose: np.ndarray) -> None:
    origin = element.find("origin")
    if origin is None:
        origin = SubElement(element, "origin")
    roll, yaw = math.atan2(pose[2, 1], pose[2, 2]), math.atan2(pose[1, 0], pose[0, 0])
    pitch = math.asin(min(max(-float(pose[2, 0]), -1.0), 1.0))
    origin.set("xyz", " ".join(f"{value:.9g}" for value in pose[:3, 3]))
    origin.set("rpy", f"{roll:.9g} {pitch:.9g} {yaw:.9g}")


def _about(axis: int, angle_rad: float) -> np.ndarray:
    """A turn about x, y or z; float64 [3, 3]."""
    one, other = (axis + 1) % 3, (axis + 2) % 3
    turn = np.eye(3)
    turn[one, one] = turn[other, other] = math.cos(angle_rad)
    turn[other, one] = math.sin(angle_rad)
    turn[one, other] = -turn[other, one]
    return turn


def _found(element: Element, path: str) -> Element:
    found = element.find(path)
    assert found is not None, f"the stock Panda has {path}"
    return found
