"""How much a message of VDA5050 may hold, and how often the state is sent: what the factsheet tells."""

from __future__ import annotations

PAYLOAD_MAX = 64 * 1024  # bytes
TEXT_MAX = 256
LIST_MAX = 64
STATE_EVERY_S = 25.0  # the standard wants one in 30 s
STATE_PAUSE_S = 0.1
