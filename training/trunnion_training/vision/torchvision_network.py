"""Detectors of torchvision without its own scaling and suppression, which the robot does: candidates only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torchvision.models import detection
from torchvision.models.detection import RetinaNet
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.ssd import SSD
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from trunnion_contract.detector_spec import DetectorSpec
from trunnion_training.vision.family import OUTPUT, DetectorForm, Trained

Model = SSD | RetinaNet


@dataclass(frozen=True)
class Architecture:
    """A detector that torchvision defines.

    Attributes:
        background: 1 where class 0 of the network stands for "nothing there", so that the labels begin at 1.
    """

    name: str
    background: int


ARCHITECTURES = {
    architecture.name: architecture
    for architecture in (
        Architecture("ssdlite320_mobilenet_v3_large", background=1),
        Architecture("retinanet_resnet50_fpn", background=0),
    )
}


def build(architecture: Architecture, classes: int, image_size_px: int) -> Model:
    """The network with random weights, for square images of this size, in training mode; nothing is downloaded."""
    make = getattr(detection, architecture.name)
    model = make(weights=None, weights_backbone=None, num_classes=classes + architecture.background)
    given, size = model.transform, image_size_px
    # The robot letterboxes; an image of this size is only normalised.
    model.transform = GeneralizedRCNNTransform(
        size, size, given.image_mean, given.image_std, size_divisible=1, fixed_size=(size, size)
    )
    return model


class Candidates(nn.Module):
    """float32 [N, 3, S, S] RGB in [0, 1] → float32 [N, 4 + c, A]: centre, size and scores of a box at each anchor.

    Normalisation is inside, and so are the anchors, as constants. Boxes end at the edges of the image, as those of
    torchvision do before it suppresses.
    """

    def __init__(self, model: Model, architecture: Architecture, image_size_px: int) -> None:
        super().__init__()
        self.backbone, self.head = model.backbone, model.head
        self._background, self._size = architecture.background, float(image_size_px)
        self._log_growth_max = model.box_coder.bbox_xform_clip
        self._keep("mean", torch.tensor(model.transform.image_mean).reshape(1, 3, 1, 1))
        self._keep("std", torch.tensor(model.transform.image_std).reshape(1, 3, 1, 1))
        self._keep("box_weights", torch.tensor(model.box_coder.weights))
        corners = _anchors(model, image_size_px)
        self._keep("centres", (corners[:, :2] + corners[:, 2:]) / 2)
        self._keep("sizes", corners[:, 2:] - corners[:, :2])

    def _keep(self, name: str, value: Tensor) -> None:
        self.register_buffer(name, value.float(), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """See the class."""
        features = list(self.backbone((images - self.mean) / self.std).values())
        found = self.head(features)
        boxes, scores = self._boxes(found["bbox_regression"]), self._scores(found["cls_logits"])
        return torch.cat((boxes, scores), dim=2).transpose(1, 2)

    def _boxes(self, regression: Tensor) -> Tensor:
        """What the head says of each anchor [N, A, 4] → centre x and y, width, height in pixels, inside the image."""
        moves = regression / self.box_weights
        centres = self.centres + moves[..., :2] * self.sizes
        halves = torch.exp(moves[..., 2:].clamp(max=self._log_growth_max)) * self.sizes / 2
        low = (centres - halves).clamp(0, self._size)
        high = (centres + halves).clamp(0, self._size)
        return torch.cat(((low + high) / 2, high - low), dim=2)

    def _scores(self, logits: Tensor) -> Tensor:
        """Classes that exclude each other where one of them is "nothing there", which is left out; else each alone."""
        return logits.softmax(dim=2)[..., 1:] if self._background else logits.sigmoid()


def exportable(model: Model, architecture: Architecture, form: DetectorForm) -> Trained:
    """The network in evaluation mode, and what it takes and gives; it shares its layers with `model`."""
    network = Candidates(model, architecture, form.image_size_px).to(next(model.parameters()).device).eval()
    spec = DetectorSpec(
        input=form.input,
        output=form.tensor(OUTPUT, (4 + len(form.labels), len(network.centres))),
        image_size_px=form.image_size_px,
        labels=form.labels,
        confidence_threshold=form.confidence_threshold,
        form="candidates",
        nms_threshold=model.nms_thresh,
    )
    return Trained(network, spec)


def loss(model: Model, images: Tensor, targets: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """torchvision's own losses of a batch: `bbox_regression` and `classification`.

    Args:
        model: in training mode.
        images: float32 [N, 3, S, S] RGB in [0, 1].
        targets: for each image `boxes`, float32 [n, 4] x1 y1 x2 y2 in pixels, and `labels`, int64 [n] from the
            architecture's first label on.
    """
    losses: dict[str, Tensor] = model(list(images), list(targets))
    return losses


def _anchors(model: Model, image_size_px: int) -> Tensor:
    """float32 [A, 4], x1 y1 x2 y2 in pixels."""
    image = torch.zeros(1, 3, image_size_px, image_size_px, device=next(model.parameters()).device)
    was_training = model.training
    model.eval()
    with torch.no_grad():
        features = list(model.backbone(image).values())
        (anchors,) = model.anchor_generator(ImageList(image, [(image_size_px, image_size_px)]), features)
    model.train(was_training)
    return anchors
