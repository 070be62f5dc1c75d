"""Callers that each send one image after the other to a bridge; one line of JSON for each line on stdin.

Started by `trunnion.bench.bridge` with the port of the bridge, a token, a JPEG and how many callers there are. Each
line on stdin is for how many seconds; images answered, the seconds that it took and the slowest come back. The callers
speak HTTP by hand, because they take the processor of the bridge that they measure.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

_HEAD = (
    "POST /v1/infer HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/jpeg\r\n"
    "Authorization: Bearer {token}\r\nContent-Length: {length}\r\n\r\n"
)


async def call(request: bytes, port: int, end_s: float, answered_s: list[float]) -> None:
    """Send image after image over one connection; how long each took is added to `answered_s`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (began_s := time.perf_counter()) < end_s:
        writer.write(request)
        await read_answer(reader)
        answered_s.append(time.perf_counter() - began_s)
    writer.close()


async def read_answer(reader: asyncio.StreamReader) -> None:
    """Take an answer, which must be a good one."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    status, _, headers = head.partition("\r\n")
    length = next(line for line in headers.splitlines() if line.lower().startswith("content-length:"))
    body = await reader.readexactly(int(length.partition(":")[2]))
    if " 200 " not in status:
        raise SystemExit(f"the bridge answered {status}: {body.decode()}")


async def measured(request: bytes, port: int, callers: int, seconds: float) -> dict[str, Any]:
    """All callers at once for so long."""
    answered_s: list[float] = []
    began_s = time.perf_counter()
    await asyncio.gather(*(call(request, port, began_s + seconds, answered_s) for _ in range(callers)))
    return {"seconds": time.perf_counter() - began_s, "images": len(answered_s), "answered_s": answered_s}


def main(port: int, token: str, jpeg: bytes, callers: int) -> None:
    """Measure until stdin ends."""
    request = _HEAD.format(token=token, length=len(jpeg)).encode() + jpeg
    for line in sys.stdin:
        print(json.dumps(asyncio.run(measured(request, port, callers, float(line)))), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]).read_bytes(), int(sys.argv[4]))
