"""TLS handshakes end, also those that never begin.

uvicorn leaves them at 60 s, for which whoever connects and says nothing holds a connection that nobody counts yet.
"""

from __future__ import annotations

import asyncio
from functools import partial


def hurry(loop: asyncio.AbstractEventLoop, within_s: float) -> None:
    """End the handshakes of all servers of `loop` that are made from now on, with TLS, after that time."""
    hurried = partial(loop.create_server, ssl_handshake_timeout=within_s)
    loop.create_server = hurried  # type: ignore[method-assign]
