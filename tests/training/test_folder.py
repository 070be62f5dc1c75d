"""Sizes of images without a library: what Pillow says, or nothing."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from trunnion_training.sources.folder import jpeg_size_px


def jpeg(mode: str = "RGB", **how: object) -> bytes:
    picture = Image.fromarray(np.zeros((48, 64, 3), np.uint8)).convert(mode)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", **how)
    return buffer.getvalue()


@pytest.mark.parametrize("how", [{}, {"progressive": True}, {"mode": "L"}, {"comment": b"x" * 900}])
def test_the_size_of_a_jpeg_is_read_from_its_head(how: dict[str, object]) -> None:
    assert jpeg_size_px(jpeg(**how)[:4096]) == (64, 48)  # type: ignore[arg-type]


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=40), st.integers(0, 200))
def test_no_bytes_break_it(data: bytes, cut: int) -> None:
    assert jpeg_size_px(jpeg()[:cut]) in (None, (64, 48))
    for head in (data, b"\xff\xd8" + data, b"\xff\xd8\xff\xc0" + data):
        size = jpeg_size_px(head)
        assert size is None or min(size) > 0
