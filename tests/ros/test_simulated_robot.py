"""The simulated robot node, as a process: it looks like a real robot from outside."""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped, TwistStamped
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_msgs.msg import Float64
from std_srvs.srv import Trigger

from trunnion_bringup.processes import Cell
from trunnion_bringup.table import CellSettings, cell_nodes
from trunnion_contract.errors import ExitCode
from trunnion_edge.camera import PinholeCamera
from trunnion_edge.image_encodings import bgr_image

SPEED_MPS = 0.1


class Robot:
    """What the robot says, and a way to command it."""

    def __init__(self, graph: Any) -> None:
        self._graph = graph
        self._diagnostics = graph.hear(DiagnosticArray, "/diagnostics")
        self.poses = graph.hear(PoseStamped, "current_pose")
        self.joints = graph.hear(JointState, "joint_states")
        self.images = graph.hear(Image, "camera/image_raw", qos_profile_sensor_data)
        self.infos = graph.hear(CameraInfo, "camera/camera_info", qos_profile_sensor_data)
        self._twist = graph.say(TwistStamped, "servo/delta_twist_cmds")
        self.open_to = graph.say(Float64, "gripper/opening_cmd")
        graph.until(lambda: self.poses and self.joints and self.images and self.infos, "robot")

    def position(self) -> tuple[float, float, float]:
        """The newest one."""
        point = self.poses[-1].pose.position
        return (point.x, point.y, point.z)

    def dropped_s(self) -> float:
        """Real time that the node admits it could not simulate, by a heartbeat from now on."""
        since = len(self._diagnostics)
        self._graph.until(lambda: len(self._diagnostics) > since, "heartbeat")
        return float({v.key: v.value for v in self._diagnostics[-1].status[0].values}["dropped_s"])

    def opening_m(self) -> float:
        """The newest one."""
        joints = dict(zip(self.joints[-1].name, self.joints[-1].position, strict=True))
        return joints["panda_finger_joint1"] + joints["panda_finger_joint2"]

    def drive(self, y_mps: float, duration_s: float, frame: str = "base") -> None:
        """Command a velocity along base y at 20 Hz."""
        message = TwistStamped()
        message.header.frame_id, message.twist.linear.y = frame, y_mps
        end_s = time.monotonic() + duration_s
        while time.monotonic() < end_s:
            self._twist(message)
            time.sleep(0.05)


@pytest.fixture(scope="module")
def node(start_cell: Callable[..., Cell], bundle_file: Path) -> Cell:
    entries = cell_nodes(CellSettings(bundle=str(bundle_file), data_dir="/none", seed=5))
    return start_cell(*(entry for entry in entries if entry.name == "simulated_robot"))


@pytest.fixture(scope="module")
def robot(graph: Any, node: Cell) -> Robot:
    return Robot(graph)


def test_states_and_pictures_come_at_their_rates_or_the_node_says_that_it_is_too_slow(robot: Robot) -> None:
    heard = (robot.poses, robot.joints, robot.images)
    dropped_s = robot.dropped_s()
    before = [len(messages) for messages in heard]
    time.sleep(2.0)
    poses, joints, images = (len(messages) - then for messages, then in zip(heard, before, strict=True))
    # 100 and 20, and what a late thread of this test hears in one go.
    assert max(poses, joints) <= 110
    assert images <= 23
    # Where the machine is busy with something else, states may come late, but not later than the node admits.
    if robot.dropped_s() == dropped_s:
        assert min(poses, joints) >= 19
        assert images >= 2


def test_a_picture_and_its_camera_are_those_of_the_layout(robot: Robot, cell_layout: Any) -> None:
    image, info = robot.images[-1], robot.infos[-1]
    assert bgr_image(image).shape == (240, 320, 3)
    assert bgr_image(image).std() > 10
    assert (image.header.frame_id, info.header.frame_id) == ("camera_optical", "camera_optical")
    assert info.k == pytest.approx(PinholeCamera.from_layout(cell_layout.camera).matrix.ravel())


def test_the_arm_starts_at_home_with_seven_joints_and_two_fingers(robot: Robot, cell_layout: Any) -> None:
    assert robot.position() == pytest.approx(cell_layout.home_base_m, abs=5e-3)
    assert robot.poses[-1].header.frame_id == "base"
    assert robot.joints[-1].name[:7] == [f"panda_joint{number}" for number in range(1, 8)]
    assert len(robot.joints[-1].position) == len(robot.joints[-1].effort) == 9


def test_a_commanded_velocity_moves_the_grasp_point_in_real_time(robot: Robot) -> None:
    start, dropped_s, began_s = robot.position(), robot.dropped_s(), time.monotonic()
    robot.drive(-SPEED_MPS, 1.5)
    elapsed_s = time.monotonic() - began_s
    time.sleep(0.5)
    way_m = start[1] - robot.position()[1]
    dropped_s = robot.dropped_s() - dropped_s
    assert SPEED_MPS * (elapsed_s - dropped_s - 0.3) <= way_m <= SPEED_MPS * (elapsed_s + 0.3)
    assert math.dist(robot.position()[::2], start[::2]) < 5e-3


def test_without_commands_the_arm_holds_by_itself(robot: Robot) -> None:
    robot.drive(SPEED_MPS, 0.5)
    time.sleep(0.5)
    still = robot.position()
    time.sleep(0.5)
    assert math.dist(robot.position(), still) < 1e-3


def test_the_gripper_goes_where_it_is_told_and_stays(graph: Any, robot: Robot) -> None:
    robot.open_to(Float64(data=0.04))
    graph.until(lambda: abs(robot.opening_m() - 0.04) < 3e-3, "gripper at 40 mm", 5)
    robot.open_to(Float64(data=math.nan))
    time.sleep(0.2)
    assert robot.opening_m() == pytest.approx(0.04, abs=3e-3)


def test_a_twist_in_another_frame_moves_nothing(robot: Robot) -> None:
    still = robot.position()
    robot.drive(SPEED_MPS, 0.3, frame="tool")
    assert math.dist(robot.position(), still) < 1e-3


def test_reset_lays_out_other_parts_and_brings_the_arm_home(
    graph: Any, robot: Robot, cell_layout: Any
) -> None:
    said = [graph.call(Trigger, "simulated_robot/reset", Trigger.Request()) for _ in range(2)]
    assert all(answer.success and "gear" in answer.message for answer in said)
    since = len(robot.poses)
    graph.until(lambda: len(robot.poses) > since + 2, "poses")
    assert robot.position() == pytest.approx(cell_layout.home_base_m, abs=5e-3)


def test_a_robot_whose_camera_dies_ends_and_says_so(graph: Any, robot: Robot, node: Cell) -> None:
    pid = node.process_ids["simulated_robot"]
    (camera,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    os.kill(int(camera), signal.SIGKILL)
    graph.until(node.poll, "end of the robot")
    (death,) = node.poll()
    assert (death.name, death.exit_code) == ("simulated_robot", ExitCode.BROKEN)
    assert "the process that draws the camera's pictures: got" in "\n".join(death.last_lines)
    assert "Traceback" not in "\n".join(death.last_lines)
