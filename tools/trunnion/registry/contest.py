"""Whether a candidate beats the champion: pair by pair in the same suite, or on the same images where there is none."""

from __future__ import annotations

from trunnion_contract.bundle import Bundle
from trunnion_contract.errors import BadInput, GatesFailed
from trunnion_contract.proof import Comparison


def check_beats(candidate: Bundle, champion: Bundle) -> str:
    """Say in what the candidate is no worse than the champion.

    It may lose no scenario by more than chance (McNemar's exact test, in the proof's gates), may not lose more pairs
    of episodes than it wins, and where it wins as many, its detector may not be less accurate on the same images.

    Raises:
        BadInput: the two were never compared.
        GatesFailed: it does not beat the champion.
    """
    if candidate.proof.model_digest == champion.proof.model_digest:
        return "the same models"
    compared = candidate.proof.comparison
    if compared is None or compared.model_digest != champion.proof.model_digest:
        if champion.proof.scenarios or champion.proof.policy:
            raise _never_compared(candidate, champion)
        return _by_accuracy(candidate, champion)
    return _by_pairs(compared, candidate, champion)


def _by_pairs(compared: Comparison, candidate: Bundle, champion: Bundle) -> str:
    won, lost = compared.overall.only_candidate, compared.overall.only_champion
    told = f"{won} pairs of episodes won, {lost} lost, of {compared.overall.pairs}"
    worse = [row.name for row in compared.scenarios if row.p_worse < compared.alpha]
    if worse or lost > won:
        where = f", worse than chance in {', '.join(worse)}" if worse else ""
        raise _beaten(
            candidate, told + where, "no scenario lost by more than chance, no more pairs lost than won"
        )
    if won == lost and _same_images(candidate, champion):
        return f"{told}; {_by_accuracy(candidate, champion)}"
    return told


def _by_accuracy(candidate: Bundle, champion: Bundle) -> str:
    ours, theirs = candidate.proof.detector, champion.proof.detector
    if ours is None or theirs is None or not _same_images(candidate, champion):
        raise _never_compared(candidate, champion)
    told = f"mAP50-95 {ours.map50_95:.4f} against {theirs.map50_95:.4f} on the same {ours.images} images"
    if ours.map50_95 < theirs.map50_95:
        raise _beaten(candidate, told, "no less than the champion")
    return told


def _same_images(candidate: Bundle, champion: Bundle) -> bool:
    digests = (candidate.proof.dataset_digest, champion.proof.dataset_digest)
    return digests[0] is not None and digests[0] == digests[1]


def _beaten(candidate: Bundle, got: str, wanted: str) -> GatesFailed:
    step = "improve the candidate; the champion stays"
    return GatesFailed(where=candidate.path.name, got=got, wanted=wanted, next_step=step)


def _never_compared(candidate: Bundle, champion: Bundle) -> BadInput:
    return BadInput(
        where=candidate.path.name,
        got="a proof that knows nothing of the champion",
        wanted="both in the same suite, on the same seeds, or on the same test images",
        next_step=f"trunnion run USECASE --against {champion.path}",
    )
