"""Checkpoints of torchvision networks: weights with the name of their architecture and labels, and never a pickle."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trunnion_contract.errors import BadInput
from trunnion_contract.files import whole_file

if TYPE_CHECKING:
    from torch import Tensor, nn

_KEYS = {"architecture", "labels", "weights"}
# The layers that depend on the number of classes are there.
_CLASSES = "classification_head"
# Counts batches, and is not there where normalisation is frozen, as in torchvision's own files.
_COUNTER = "num_batches_tracked"


@dataclass(frozen=True)
class Content:
    """What is in a checkpoint."""

    architecture: str
    labels: tuple[str, ...]
    weights: Mapping[str, Tensor]


def write(model: nn.Module, architecture: str, labels: tuple[str, ...], target: Path) -> None:
    """Write the weights of a network with what is needed to build it again; `architecture` is torchvision's name."""
    import torch

    content = {"architecture": architecture, "labels": list(labels), "weights": model.state_dict()}
    with whole_file(target) as temporary:
        torch.save(content, temporary)


def is_one(path: Path) -> bool:
    """Whether a file is such a checkpoint."""
    return _content(path) is not None


def read(path: Path) -> Content:
    """Read a checkpoint; nothing in it is run.

    Raises:
        BadInput: it is none.
    """
    content = _content(path)
    if content is None:
        raise _refused(
            path, "another kind of file", "a checkpoint of a torchvision detector that trunnion wrote"
        )
    return Content(content["architecture"], tuple(content["labels"]), content["weights"])


def read_weights(path: Path) -> Mapping[str, Tensor]:
    """Read a file of weights as torchvision publishes them: names of parameters, and nothing else.

    Raises:
        BadInput: it is absent, or none.
    """
    import torch

    weights = _loaded(path)
    is_one = isinstance(weights, dict) and all(isinstance(value, torch.Tensor) for value in weights.values())
    if not is_one or not weights:
        raise _refused(
            path,
            "no such file" if not path.is_file() else "another kind of file",
            "weights of torchvision (*.pth)",
        )
    return weights


def restore(model: nn.Module, content: Content, where: Path) -> None:
    """Put the weights of a checkpoint into its network.

    Raises:
        BadInput: one is missing, too many, or of another shape.
    """
    try:
        model.load_state_dict(content.weights)
    except RuntimeError as error:  # torch's word for all three
        raise _unfit(where, str(error).splitlines()[-1].strip(), model) from None


def start_from(model: nn.Module, weights: Mapping[str, Tensor], where: Path) -> None:
    """Put weights into a network; those of its classes stay random where there are other classes.

    Raises:
        BadInput: they are of another architecture.
    """
    own = model.state_dict()
    of_other_classes = {
        name
        for name in weights
        if _CLASSES in name and name in own and own[name].shape != weights[name].shape
    }
    fitting = {name: value for name, value in weights.items() if name not in of_other_classes}
    try:
        missing = set(model.load_state_dict(fitting, strict=False).missing_keys) - of_other_classes
    except RuntimeError as error:  # torch's word for other shapes
        raise _unfit(where, str(error).splitlines()[-1].strip(), model) from None
    if absent := [name for name in missing if not name.endswith(_COUNTER)]:
        raise _unfit(where, f"weights without {min(absent)}", model)


def _unfit(where: Path, got: str, model: nn.Module) -> BadInput:
    return _refused(where, got, f"weights of the architecture that was asked for, a {type(model).__name__}")


def _content(path: Path) -> dict[str, Any] | None:
    content = _loaded(path)
    return content if isinstance(content, dict) and content.keys() == _KEYS else None


def _loaded(path: Path) -> Any:
    """What is in a file of tensors and plain values; None for any other file."""
    import torch

    try:
        # It warns of pickles that it then refuses.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # whatever a file that is something else raises
        return None


def _refused(path: Path, got: str, wanted: str) -> BadInput:
    return BadInput(
        where=str(path), got=got, wanted=wanted,
        next_step="name another file in models.detector; nothing is downloaded",
    )  # fmt: skip
