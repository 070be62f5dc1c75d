"""The manifest: every network is named with its digest, and what was written before there were variants still holds."""

from __future__ import annotations

from typing import Any

import pytest

from trunnion_contract.errors import BadInput
from trunnion_contract.files import digest_json
from trunnion_contract.manifest import DetectorVariant, Entry, ModelManifest, PolicyModel, PolicySpec
from trunnion_contract.strict import parse
from trunnion_contract.tensor import TensorSpec


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


def test_options_of_the_environment_are_part_of_the_digest_only_where_there_are_some(
    model: ModelManifest,
) -> None:
    tensor = TensorSpec(name="x", dtype="float32", shape=("N", 1))
    entry = Entry(name="x_m", size=1, unit="m", low=-1, high=1)
    spec = PolicySpec(input=tensor, output=tensor, observation=(entry,), action=(entry,), rate_hz=20)
    policy = PolicyModel(file="policy.onnx", sha256="0", parity=(), spec=spec)
    said = policy.model_dump(mode="json", exclude_defaults=True)
    assert "env_options" not in said
    dense = policy.model_copy(update={"env_options": {"reward_type": "dense"}})
    digests = [model.model_copy(update={"policy": each}).digest() for each in (policy, dense)]
    assert digests[0] != digests[1]


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
