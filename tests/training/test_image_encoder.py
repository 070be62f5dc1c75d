"""The encoder of images: a token for each cell, which knows where it is."""

from __future__ import annotations

import pytest
import torch

from trunnion_training.policy.image_encoder import ImageEncoder

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize(("sides", "tokens"), [((64, 64), 17), ((84, 84), 37), ((24, 40), 7), ((17, 16), 3)])
def test_an_image_becomes_a_token_of_points_and_one_for_each_cell_of_sixteen_pixels(
    sides: tuple[int, int], tokens: int
) -> None:
    encoder = ImageEncoder(*sides, 8)
    assert encoder(torch.zeros(3, *sides, 3, dtype=torch.uint8)).shape == (3, tokens, 8)


def test_the_same_surface_in_two_places_gives_tokens_that_differ() -> None:
    torch.manual_seed(0)
    tokens = ImageEncoder(64, 64, 8)(torch.full((1, 64, 64, 3), 200, dtype=torch.uint8))
    assert (tokens[0, 6] - tokens[0, 7]).abs().max() > 1e-3


def test_bytes_are_brought_to_plus_and_minus_one_inside() -> None:
    encoder, seen = ImageEncoder(16, 16, 8), list[torch.Tensor]()
    encoder.fine[0].register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    encoder(torch.tensor([0, 255], dtype=torch.uint8).reshape(2, 1, 1, 1).expand(2, 16, 16, 3))
    assert seen[0].shape == (2, 3, 16, 16)
    assert [part.unique().tolist() for part in seen[0]] == [[-1], [1]]


def test_the_token_of_points_follows_what_moves() -> None:
    torch.manual_seed(0)
    encoder, images = ImageEncoder(64, 64, 8), torch.zeros(2, 64, 64, 3, dtype=torch.uint8)
    images[0, 8:12, 8:12] = images[1, 48:52, 48:52] = 255
    points = encoder(images)[:, 0]
    assert (points[0] - points[1]).abs().max() > 1e-3
