"""The network alone, on JPEGs: decoded, and run; one line of JSON for each line on stdin.

Started by `trunnion.bench.bridge` with an ONNX file, a JPEG and how many sessions run at a time, each on its share of
the cores. Each line on stdin is for how many seconds; images done and the seconds that it took come back.
"""

from __future__ import annotations

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from trunnion_bridge.inference.pool import give_way
from trunnion_edge.backends.onnxruntime import open_session
from trunnion_edge.preprocess import letterbox


def main(network: Path, jpeg: Path, sessions: int) -> None:
    """Run until stdin ends."""
    give_way()  # as the bridge's threads do, so that other work on this machine slows down both alike
    threads = max(1, len(os.sched_getaffinity(0)) // sessions)
    opened = [open_session(network.read_bytes(), threads) for _ in range(sessions)]
    encoded = np.frombuffer(jpeg.read_bytes(), np.uint8)
    (given,) = opened[0].get_inputs()
    # Made once: what the network is given is not part of what it takes to run it.
    tensor = letterbox(cv2.imdecode(encoded, cv2.IMREAD_COLOR), given.shape[-1])[0]

    def until(session: object, end_s: float) -> int:
        done = 0
        while time.perf_counter() < end_s:
            cv2.imdecode(encoded, cv2.IMREAD_COLOR)
            session.run(None, {given.name: tensor})
            done += 1
        return done

    with ThreadPoolExecutor(sessions) as pool:
        for session in opened:
            until(session, time.perf_counter() + 0.2)
        for line in sys.stdin:
            began_s = time.perf_counter()
            end_s = began_s + float(line)
            images = sum(pool.map(until, opened, [end_s] * sessions))
            print(json.dumps({"seconds": time.perf_counter() - began_s, "images": images}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
