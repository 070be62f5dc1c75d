"""Simulated and real images in training at the ratio that the use case states; validation and test stay as they are."""

from __future__ import annotations

from collections.abc import Sequence

from trunnion_contract.dataset import SplitName
from trunnion_contract.errors import BadInput
from trunnion_contract.files import digest_bytes
from trunnion_training.cleaning import CleanImage
from trunnion_training.findings import Finding

_SIMULATED = "-simulation"


def mixed(
    images: Sequence[CleanImage], splits: Sequence[SplitName], synthetic_share: float, seed: int
) -> tuple[list[CleanImage], list[SplitName], list[Finding]]:
    """Images and splits without those of the training split that are too many of their kind, and a finding for each.

    As many as possible are kept; which ones depends on the seed and on the pictures alone.

    Raises:
        BadInput: the training split holds only one of both kinds.
    """
    trained = [place for place, split in enumerate(splits) if split == "train"]
    kinds = (
        [place for place in trained if _is_simulated(images[place]) is wanted] for wanted in (True, False)
    )
    synthetic, real = kinds
    if not synthetic or not real:
        raise BadInput(
            where="data.synthetic_share", got=f"{len(synthetic)} simulated and {len(real)} other images to train on",
            wanted="some of both", next_step="add a source of the other kind, or remove synthetic_share",
        )  # fmt: skip
    total = min(len(synthetic) / synthetic_share, len(real) / (1 - synthetic_share))
    left_out = {
        *_drawn(images, synthetic, seed)[max(1, round(total * synthetic_share)) :],
        *_drawn(images, real, seed)[max(1, round(total * (1 - synthetic_share))) :],
    }
    kept = [place for place in range(len(images)) if place not in left_out]
    what, done = "more of its kind than synthetic_share takes", "left out of training"
    findings = [Finding(images[place].name, what, done) for place in sorted(left_out)]
    return [images[place] for place in kept], [splits[place] for place in kept], findings


def _is_simulated(image: CleanImage) -> bool:
    return image.scene.partition("/")[0].endswith(_SIMULATED)


def _drawn(images: Sequence[CleanImage], places: Sequence[int], seed: int) -> list[int]:
    return sorted(
        places, key=lambda place: digest_bytes(f"{seed}/{images[place].seen.pixels_sha256}".encode())
    )
