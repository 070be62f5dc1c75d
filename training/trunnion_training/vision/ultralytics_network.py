"""An ultralytics detector as the robot shall see it: which outputs it has, and what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trunnion_contract.detector_spec import DetectorSpec, KeypointSpec, MaskSpec
from trunnion_contract.errors import BadInput
from trunnion_training.vision.family import OUTPUT, PROTOTYPES, DetectorForm, Trained

if TYPE_CHECKING:
    import torch
    from ultralytics.nn.tasks import DetectionModel

DETECTIONS_MAX = 300
# A box that overlaps a surer one of its class by more is suppressed.
_OVERLAP_MAX = 0.7
_SCORE_MIN = 0.001
_CHANNELS = 3


def exportable(model: DetectionModel, form: DetectorForm, *, merged: bool = False) -> Trained:
    """The network in the form that is asked for, and what it takes and gives.

    Boxes come chosen from a head that gives each object once (YOLO26, YOLOv10), or with suppression inside the graph;
    other heads give candidates.

    Raises:
        BadInput: the network does not take colour images of this size.
    """
    _check_input(model, form.image_size_px)
    own, head = has_own_choice(model), model.model[-1]
    in_graph = not own and form.suppression == "graph"
    # Suppression wants corners, the form of candidates centres and sizes.
    head.end2end, head.xyxy, head.export, head.format = own, in_graph, True, "onnx"
    head.max_det = DETECTIONS_MAX
    network = (model.fuse(verbose=False) if merged else model).requires_grad_(False).eval()
    if merged:
        _split_at_once(network)
    if in_graph:
        network = _suppressed(network)
    return Trained(network, _spec(network, model, form, chosen=own or in_graph))


def has_own_choice(model: DetectionModel) -> bool:
    """Whether there is a head that gives each object once, rather than candidates to suppress."""
    return getattr(model.model[-1], "one2one_cv2", None) is not None


def _check_input(model: DetectionModel, image_size_px: int) -> None:
    channels, stride = model.yaml.get("channels", _CHANNELS), int(max(model.stride))
    if channels != _CHANNELS:
        raise BadInput(
            where="the detector's checkpoint", got=f"a network for images of {channels} channels",
            wanted=f"{_CHANNELS}, as a camera gives them", next_step="take a network for colour images",
        )  # fmt: skip
    if image_size_px % stride:
        raise BadInput(
            where="models.detector.image_size_px", got=str(image_size_px), wanted=f"a multiple of {stride}",
            next_step="this network halves images so often that only such a size comes out even",
        )  # fmt: skip


def _split_at_once(network: DetectionModel) -> None:
    """Let blocks that halve their channels use one operator for it; it makes a plainer graph of the same numbers."""
    from ultralytics.nn.modules import C2f

    for module in network.modules():
        if isinstance(module, C2f):
            module.forward = module.forward_split


def _suppressed(model: DetectionModel) -> torch.nn.Module:
    from types import SimpleNamespace

    from ultralytics.engine.exporter import NMSModel

    settings = SimpleNamespace(
        format="onnx", dynamic=False, batch=1, opset=17, conf=_SCORE_MIN, iou=_OVERLAP_MAX,
        max_det=DETECTIONS_MAX, agnostic_nms=False,
    )  # fmt: skip
    network: torch.nn.Module = NMSModel(model, settings).eval()
    return network


def _spec(
    network: torch.nn.Module, model: DetectionModel, form: DetectorForm, *, chosen: bool
) -> DetectorSpec:
    boxes, *prototypes = _output_shapes(network, form.image_size_px)
    head = model.model[-1]
    return DetectorSpec(
        input=form.input,
        output=form.tensor(OUTPUT, boxes),
        image_size_px=form.image_size_px,
        labels=form.labels,
        confidence_threshold=form.confidence_threshold,
        form="chosen" if chosen else "candidates",
        nms_threshold=_OVERLAP_MAX,
        masks=MaskSpec(prototypes=form.tensor(PROTOTYPES, prototypes[0]), coefficients=head.nm)
        if prototypes
        else None,
        keypoints=_keypoints(model) if model.task == "pose" else None,
    )


def _output_shapes(network: torch.nn.Module, image_size_px: int) -> list[tuple[int, ...]]:
    """The shape of each output for one image."""
    import torch

    with torch.inference_mode():
        given = network(torch.zeros(1, _CHANNELS, image_size_px, image_size_px))
    outputs = given if isinstance(given, tuple) else (given,)
    return [tuple(output.shape[1:]) for output in outputs]


def _keypoints(model: DetectionModel) -> KeypointSpec:
    """Points are named as the checkpoint names those of its first class, or counted from 0."""
    count, values = model.model[-1].kpt_shape
    named: Any = getattr(model, "kpt_names", None) or {}
    names = tuple(str(name) for name in next(iter(named.values()), ()))
    if len(names) != count:
        names = tuple(str(index) for index in range(count))
    return KeypointSpec(names=names, values=values)
