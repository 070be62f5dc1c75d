"""Films of episodes: files that are compared byte for byte."""

from __future__ import annotations

import cv2
import numpy as np

from trunnion_sim.film import FRAME_MS, h264


def test_the_same_pictures_give_the_same_film_whatever_was_in_memory_before() -> None:
    rng = np.random.default_rng(0)
    ground = cv2.resize(rng.integers(0, 256, (12, 16, 3), np.uint8), (320, 240))
    pictures, films, memory = [np.roll(ground, 3 * shift, axis=1) for shift in range(14)], set(), []
    for _ in range(12):
        memory += [np.full(rng.integers(100, 400_000), rng.integers(256), np.uint8) for _ in range(30)]
        memory = [memory[index] for index in rng.permutation(len(memory))[:40]]
        films.add(h264(pictures, FRAME_MS))
    assert len(films) == 1
