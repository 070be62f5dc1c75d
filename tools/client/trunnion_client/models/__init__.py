"""Contains all the data models used in inputs/outputs"""

from .active_model import ActiveModel
from .active_model_precision_type_0 import ActiveModelPrecisionType0
from .arm import Arm
from .arm_joints_rad import ArmJointsRad
from .arm_mode_type_0 import ArmModeType0
from .audit_entry import AuditEntry
from .audit_entry_outcome import AuditEntryOutcome
from .audit_entry_role_type_0 import AuditEntryRoleType0
from .audit_page import AuditPage
from .battery import Battery
from .bin_layout import BinLayout
from .bundle_info import BundleInfo
from .camera import Camera
from .camera_layout import CameraLayout
from .cell_layout import CellLayout
from .cell_layout_bins import CellLayoutBins
from .cell_layout_part_heights_m import CellLayoutPartHeightsM
from .check import Check
from .dead_letter import DeadLetter
from .dead_letter_page import DeadLetterPage
from .dead_letter_type import DeadLetterType
from .detection import Detection
from .detections import Detections
from .detector_facts import DetectorFacts
from .detector_facts_precisions_item import DetectorFactsPrecisionsItem
from .gate_result import GateResult
from .health import Health
from .inference_model import InferenceModel
from .inference_model_precision import InferenceModelPrecision
from .inference_result import InferenceResult
from .inference_state import InferenceState
from .inference_state_precision_type_0 import InferenceStatePrecisionType0
from .inference_state_state import InferenceStateState
from .inferred_detection import InferredDetection
from .installed_model import InstalledModel
from .installed_model_licences import InstalledModelLicences
from .key import Key
from .key_page import KeyPage
from .key_request import KeyRequest
from .key_request_role import KeyRequestRole
from .key_role import KeyRole
from .keypoint import Keypoint
from .leader import Leader
from .list_audit_entries_outcome_type_0 import ListAuditEntriesOutcomeType0
from .list_missions_state_type_0 import ListMissionsStateType0
from .list_orders_state_type_0 import ListOrdersStateType0
from .mask import Mask
from .mission import Mission
from .mission_page import MissionPage
from .mission_state import MissionState
from .model_list import ModelList
from .motion_limits import MotionLimits
from .new_key import NewKey
from .new_key_role import NewKeyRole
from .node_health import NodeHealth
from .node_health_state import NodeHealthState
from .order import Order
from .order_detail import OrderDetail
from .order_detail_state import OrderDetailState
from .order_event import OrderEvent
from .order_event_state import OrderEventState
from .order_line import OrderLine
from .order_page import OrderPage
from .order_request import OrderRequest
from .order_state import OrderState
from .ping_result import PingResult
from .policy_facts import PolicyFacts
from .problem import Problem
from .proof_result import ProofResult
from .redeliver_request import RedeliverRequest
from .redelivery import Redelivery
from .replica import Replica
from .robot import Robot
from .robot_doing import RobotDoing
from .robot_list import RobotList
from .session import Session
from .session_end import SessionEnd
from .session_request import SessionRequest
from .session_role_type_0 import SessionRoleType0
from .sign_in import SignIn
from .snapshot import Snapshot
from .snapshot_page import SnapshotPage
from .snapshot_request import SnapshotRequest
from .state import State
from .tray_layout import TrayLayout
from .unusable_file import UnusableFile
from .webhook import Webhook
from .webhook_created import WebhookCreated
from .webhook_created_state import WebhookCreatedState
from .webhook_created_types_item import WebhookCreatedTypesItem
from .webhook_request import WebhookRequest
from .webhook_request_types_item import WebhookRequestTypesItem
from .webhook_secret import WebhookSecret
from .webhook_state import WebhookState
from .webhook_types_item import WebhookTypesItem

__all__ = (
    "ActiveModel",
    "ActiveModelPrecisionType0",
    "Arm",
    "ArmJointsRad",
    "ArmModeType0",
    "AuditEntry",
    "AuditEntryOutcome",
    "AuditEntryRoleType0",
    "AuditPage",
    "Battery",
    "BinLayout",
    "BundleInfo",
    "Camera",
    "CameraLayout",
    "CellLayout",
    "CellLayoutBins",
    "CellLayoutPartHeightsM",
    "Check",
    "DeadLetter",
    "DeadLetterPage",
    "DeadLetterType",
    "Detection",
    "Detections",
    "DetectorFacts",
    "DetectorFactsPrecisionsItem",
    "GateResult",
    "Health",
    "InferenceModel",
    "InferenceModelPrecision",
    "InferenceResult",
    "InferenceState",
    "InferenceStatePrecisionType0",
    "InferenceStateState",
    "InferredDetection",
    "InstalledModel",
    "InstalledModelLicences",
    "Key",
    "KeyPage",
    "Keypoint",
    "KeyRequest",
    "KeyRequestRole",
    "KeyRole",
    "Leader",
    "ListAuditEntriesOutcomeType0",
    "ListMissionsStateType0",
    "ListOrdersStateType0",
    "Mask",
    "Mission",
    "MissionPage",
    "MissionState",
    "ModelList",
    "MotionLimits",
    "NewKey",
    "NewKeyRole",
    "NodeHealth",
    "NodeHealthState",
    "Order",
    "OrderDetail",
    "OrderDetailState",
    "OrderEvent",
    "OrderEventState",
    "OrderLine",
    "OrderPage",
    "OrderRequest",
    "OrderState",
    "PingResult",
    "PolicyFacts",
    "Problem",
    "ProofResult",
    "RedeliverRequest",
    "Redelivery",
    "Replica",
    "Robot",
    "RobotDoing",
    "RobotList",
    "Session",
    "SessionEnd",
    "SessionRequest",
    "SessionRoleType0",
    "SignIn",
    "Snapshot",
    "SnapshotPage",
    "SnapshotRequest",
    "State",
    "TrayLayout",
    "UnusableFile",
    "Webhook",
    "WebhookCreated",
    "WebhookCreatedState",
    "WebhookCreatedTypesItem",
    "WebhookRequest",
    "WebhookRequestTypesItem",
    "WebhookSecret",
    "WebhookState",
    "WebhookTypesItem",
)
