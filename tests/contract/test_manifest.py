"""The manifest: every network is named with its digest, and what was written before there were variants still holds."""

from __future__ import annotations

from typing import Any

import pytest

from trunnion_contract.errors import BadInput
from trunnion_contract.files import digest_json
from trunnion_contract.manifest import DetectorVariant, ModelManifest
from trunnion_contract.strict import parse


def _plain(model: ModelManifest) -> dict[str, Any]:
    return model.model_dump(mode="json", by_alias=True)


def test_a_manifest_from_before_a_field_existed_reads_and_has_the_digest_it_had(model: ModelManifest) -> None:
    written = _plain(model)
    for later in ("accuracy", "variants"):
        del written["detector"][later]
    again = parse(ModelManifest, written, "model.json")
    assert again == model
    said = model.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    assert not {"accuracy", "variants", "precision"} & said["detector"].keys()
    assert again.digest() == digest_json(said)


def test_a_manifest_with_variants_names_every_network(model_in_int8: ModelManifest) -> None:
    assert list(model_in_int8.files()) == ["detector.onnx", "detector.int8.onnx"]
    assert model_in_int8.detector is not None
    assert list(model_in_int8.detector.networks) == ["fp32", "int8"]
    assert parse(ModelManifest, _plain(model_in_int8), "model.json") == model_in_int8


def test_a_variant_is_part_of_the_digest(model: ModelManifest, model_in_int8: ModelManifest) -> None:
    assert model.digest() != model_in_int8.digest()


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"precision": "fp32"}, "one network for each precision"),
        ({"file": "detector.onnx"}, "networks in files of their own"),
        ({"precision": "int4"}, "int4"),
        ({"percision": "int8"}, "did you mean 'precision'"),
    ],
)
def test_variants_that_could_be_taken_for_another_network_are_refused(
    change: dict[str, Any], wanted: str, model_in_int8: ModelManifest
) -> None:
    plain = _plain(model_in_int8)
    plain["detector"]["variants"][0] |= change
    with pytest.raises(BadInput, match=wanted):
        parse(ModelManifest, plain, "model.json")


@pytest.mark.parametrize(("drop", "passes"), [(-2.0, True), (1.0, True), (1.01, False)])
def test_a_variant_passes_until_it_loses_more_than_it_may(
    drop: float, passes: bool, int8_variant: DetectorVariant
) -> None:
    parity = int8_variant.parity.model_copy(update={"map50_95_drop_points": drop})
    assert parity.passed is passes
