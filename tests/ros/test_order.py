"""An order from its beginning to its end: real nodes, the shipped detector, and the expert in place of its pupil."""

from __future__ import annotations

import io
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from action_msgs.msg import GoalStatus
from rclpy.action import ActionClient
from trunnion_interfaces.action import Sort
from trunnion_interfaces.msg import PolicyStatus

from trunnion_bringup.processes import Cell
from trunnion_bringup.table import CellSettings, cell_nodes
from trunnion_contract.bundle import MODEL, PROOF, pack
from trunnion_contract.files import digest_bytes, write_json
from trunnion_contract.manifest import ModelManifest
from trunnion_contract.proof import Proof
from trunnion_contract.strict import read_json
from trunnion_sim import expert
from trunnion_training.vision.family import DetectorForm
from trunnion_training.vision.onnx_export import export_onnx
from trunnion_training.vision.ultralytics_family import Ultralytics

CHECKPOINT = Path(__file__).parents[2] / "training" / "base" / "sorting_cell_yolo26n.pt"
NODES = ("simulated_robot", "detector", "policy", "sorter")
SORTED_WITHIN_S = 90.0


class ExpertNetwork(torch.nn.Module):
    """`trunnion_sim.expert` in tensors: [N, 11] → [N, 4]."""

    def forward(self, seen: torch.Tensor) -> torch.Tensor:
        gripper, opening, grasped, target, place = seen.split((3, 1, 1, 3, 3), dim=1)
        return torch.where(
            grasped > 0.5, self._carry(gripper, place), self._fetch(gripper, opening, target, place)
        )

    def _fetch(
        self, gripper: torch.Tensor, opening: torch.Tensor, target: torch.Tensor, place: torch.Tensor
    ) -> torch.Tensor:
        distance = _length(target - gripper)
        begun = ((expert.OPEN_M - 0.002 - opening) / 0.01).clamp(0, 1)
        closing = begun * ((2 * expert.FIRM_M - distance) / expert.FIRM_M).clamp(0, 1)
        aside = _length((target - gripper)[:, :2])
        funnel = ((aside - expert.ALIGNED_M) * expert.FUNNEL_SLOPE).clamp(0, expert.HOVER_M)
        above = torch.cat([torch.zeros_like(target[:, :2]), (1 - closing) * funnel], 1)
        fingers = (distance - expert.GRASP_M - closing * expert.FIRM_M) / expert.RAMP_M
        nearly = _length(place - gripper) - expert.RELEASE_M - expert.RELEASE_RAMP_M
        waiting = torch.maximum(
            (nearly / 0.02).clamp(0, 1), ((opening - expert.LET_GO_M) / 0.004).clamp(0, 1)
        )
        return torch.cat(
            [_velocity(target + above - gripper) * waiting, expert.OPEN_M * fingers.clamp(0, 1)], 1
        )

    def _carry(self, gripper: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
        fingers = 1 - (_length(place - gripper) - expert.RELEASE_M) / expert.RELEASE_RAMP_M
        return torch.cat([_velocity(place - gripper), expert.OPEN_M * fingers.clamp(0, 1)], 1)


def _length(way: torch.Tensor) -> torch.Tensor:
    return (way * way).sum(1, keepdim=True).sqrt()


def _velocity(way: torch.Tensor) -> torch.Tensor:
    """Upwards before sideways, and never above the expert's speed."""
    sideways = (1.5 - way[:, 2:] / (expert.CLEAR_M / 2)).clamp(0, 1)
    way = torch.cat([way[:, :2] * sideways, way[:, 2:]], 1)
    return way * (expert.SPEED_MAX_MPS / _length(way).clamp(min=1e-9)).clamp(max=expert.GAIN_PER_S)


@pytest.fixture(scope="module")
def expert_policy() -> bytes:
    with io.BytesIO() as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            ExpertNetwork(),
            (torch.zeros(1, 11),),
            file,
            input_names=["observation"],
            output_names=["action"],
            dynamic_axes={"observation": {0: "n"}, "action": {0: "n"}},
            dynamo=False,
        )
        return file.getvalue()


@pytest.fixture(scope="module")
def able_bundle(bundle_file: Path, expert_policy: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small bundle with networks that can do the job."""
    folder = tmp_path_factory.mktemp("able")
    for part in ("export", "prove"):
        shutil.copytree(bundle_file.parent / part, folder / part)
    export, prove = folder / "export", folder / "prove"
    form = DetectorForm(image_size_px=320, labels=("gear", "bolt", "nut"), confidence_threshold=0.4)
    export_onnx(Ultralytics().load(CHECKPOINT, form, merged=True), export / "detector.onnx", 17)
    (export / "policy.onnx").write_bytes(expert_policy)
    document = read_json(ModelManifest, export / MODEL).model_dump(mode="json", by_alias=True)
    for network in (document["detector"], document["policy"]):
        network["sha256"] = digest_bytes((export / network["file"]).read_bytes())
    write_json(export / MODEL, document)
    model, proof = read_json(ModelManifest, export / MODEL), read_json(Proof, prove / PROOF)
    proof = proof.model_copy(update={"model_digest": model.digest(), "files": model.files()})
    write_json(prove / PROOF, proof.model_dump(mode="json", by_alias=True))
    pack(export, prove, folder / "able-0.1.0.trunnion", "# Able\n")
    return folder / "able-0.1.0.trunnion"


@pytest.fixture(scope="module")
def cell(start_cell: Callable[..., Cell], able_bundle: Path) -> Cell:
    entries = {e.name: e for e in cell_nodes(CellSettings(bundle=str(able_bundle), data_dir="/none"))}
    return start_cell(*(entries[name] for name in NODES))


def test_the_network_does_what_the_expert_does(expert_policy: bytes) -> None:
    rng = np.random.default_rng(0)
    gripper, near = rng.uniform((0.34, -0.3, 0.0), (0.66, 0.3, 0.3), (500, 3)), rng.normal(0, 0.02, (500, 3))
    places = rng.uniform((0.34, -0.3, 0.0), (0.66, 0.3, 0.3), (500, 3))
    opening, grasped = rng.uniform(0, 0.08, (500, 1)), rng.integers(0, 2, (500, 1))
    seen = np.hstack([gripper, opening, grasped, gripper + near, places]).astype(np.float32)
    (did,) = onnxruntime.InferenceSession(expert_policy).run(None, {"observation": seen})
    np.testing.assert_allclose(did, [expert.expert_action(row) for row in seen], atol=1e-4)


def test_an_order_ends_with_every_part_in_its_bin(cell: Cell, graph: Any) -> None:
    statuses = graph.hear(PolicyStatus, "policy/status")
    client = ActionClient(graph.node, Sort, "sort")
    graph.until(client.server_is_ready, "sorter's action server")
    graph.until(lambda: statuses, "policy/status")
    goal = Sort.Goal(order_id="1", parts=["gear", "bolt"], quantities=[1, 1], bin="B")
    handle = graph.wait(graph.send_goal(client, goal), "answer to an order")
    assert handle.accepted
    answer = graph.wait(handle.get_result_async(), "end of the order", SORTED_WITHIN_S)
    assert answer.status == GoalStatus.STATUS_SUCCEEDED, answer.result.message
    assert answer.result.success
    assert answer.result.sorted == 2
