"""One attempt to bring a message to its receiver."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import httpx

from trunnion_bridge.outward.cloudevent import MEDIA_TYPE
from trunnion_bridge.outward.guarded_transport import ForbiddenAddress
from trunnion_bridge.outward.signing import signature
from trunnion_bridge.outward.subscriptions import Receiver
from trunnion_bridge.timeouts import within

_GONE = 410


class Outcome(NamedTuple):
    """What became of it; `retry_after_s` is what the receiver asked for, `is_gone` that it wants no more."""

    is_delivered: bool
    words: str
    is_gone: bool = False
    retry_after_s: float | None = None


async def attempt(
    client: httpx.AsyncClient,
    receiver: Receiver,
    message: tuple[str, str],
    timeout_s: float,
    clock: Callable[[], float] = time.time,
) -> Outcome:
    """Post one message, an id and a body; whatever happens is an outcome.

    Only the status of the answer is looked at: its body may be without end, and tells nobody anything.
    """
    message_id, body = message
    at_s = int(clock())
    headers = {
        "Content-Type": MEDIA_TYPE,
        "User-Agent": "trunnion-bridge",
        "webhook-id": message_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": signature(receiver.secrets, message_id, at_s, body),
    }
    try:
        return await within(timeout_s, _posted(client, receiver.url, headers, body))
    except TimeoutError:
        return Outcome(False, f"no answer within {timeout_s:g} s")
    except ForbiddenAddress as error:
        return Outcome(False, str(error))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Outcome(False, f"it could not be reached: {error or type(error).__name__}")


async def _posted(client: httpx.AsyncClient, url: str, headers: dict[str, str], body: str) -> Outcome:
    async with client.stream("POST", url, content=body.encode(), headers=headers) as answer:
        return _outcome(answer)


def _outcome(answer: httpx.Response) -> Outcome:
    words = f"it answered {answer.status_code}"
    if answer.is_success:
        return Outcome(True, words)
    if answer.is_redirect:
        words += ", and redirects are not followed"
    return Outcome(False, words, answer.status_code == _GONE, _seconds(answer.headers.get("Retry-After")))


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after and retry_after.isascii() and retry_after.isdigit() else None
