"""The statistics that LeRobot keeps beside its data: of all frames, and of each episode."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

QUANTILES = (0.01, 0.10, 0.50, 0.90, 0.99)
Statistics = dict[str, list[Any]]


def of_numbers(values: NDArray[Any]) -> Statistics:
    """Of numbers or truths [T] or [T, n], for each of the n."""
    rows = values.reshape(len(values), -1).astype(np.float64)
    found = {
        "min": rows.min(axis=0),
        "max": rows.max(axis=0),
        "mean": rows.mean(axis=0),
        "std": rows.std(axis=0),
    }
    named = {name: values.tolist() for name, values in found.items()}
    quantiles = np.quantile(rows, QUANTILES, axis=0)
    return (
        named
        | {"count": [len(rows)]}
        | {_name(q): row.tolist() for q, row in zip(QUANTILES, quantiles, strict=True)}
    )


def histogram(images: Iterable[bytes]) -> NDArray[np.int64]:
    """How often each channel has each value: int64 [3, 256]. From it all statistics of pixels follow exactly."""
    counts = np.zeros((3, 256), np.int64)
    for data in images:
        with Image.open(io.BytesIO(data)) as picture:
            pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3)
        counts += np.stack([np.bincount(pixels[:, channel], minlength=256) for channel in range(3)])
    return counts


def of_pixels(counts: NDArray[np.int64], images: int) -> Statistics:
    """Of the pixels of a histogram, in [0, 1], for each channel as [3, 1, 1]."""
    value = np.arange(256) / 255
    share = counts / counts.sum(axis=1, keepdims=True)
    mean = share @ value
    cumulated = share.cumsum(axis=1)
    found = {
        "min": value[(counts > 0).argmax(axis=1)],
        "max": value[255 - (counts > 0)[:, ::-1].argmax(axis=1)],
        "mean": mean,
        "std": np.sqrt(np.maximum(share @ value**2 - mean**2, 0)),
    } | {_name(q): value[(cumulated >= q).argmax(axis=1)] for q in QUANTILES}
    return {name: channels.reshape(3, 1, 1).tolist() for name, channels in found.items()} | {
        "count": [images]
    }


def _name(quantile: float) -> str:
    return f"q{round(quantile * 100):02d}"
