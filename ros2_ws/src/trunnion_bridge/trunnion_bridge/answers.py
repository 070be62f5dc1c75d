"""What every answer has, also one to an error: headers that tell browsers to be careful."""

from __future__ import annotations

from http import HTTPStatus

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trunnion_bridge.correlation import HEADER, new_id
from trunnion_bridge.problem import Refused, on_broken, problem
from trunnion_bridge.trouble import PASSING, on_away

_POLICY = "default-src 'self'; img-src 'self' blob: data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_OVER_TLS = {"Strict-Transport-Security": "max-age=31536000"}


class Answers:
    """Marks every answer, and gives one where something broke: inside of all that counts and names answers.

    The page may connect to the bridge and to the origin `connects_to`, where its reader signs in, and nowhere else.
    """

    def __init__(self, app: ASGIApp, connects_to: str = "") -> None:
        self._app = app
        self._policy = f"{_POLICY}; connect-src 'self' {connects_to}".rstrip()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        has_begun = False

        async def marked(message: Message) -> None:
            nonlocal has_begun
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                has_begun = True
                _mark(message, scope["scheme"] in ("https", "wss"), self._policy)
            await send(message)

        try:
            await self._app(scope, receive, marked)
        except Exception as error:
            if has_begun or scope["type"] != "http":
                raise
            answer = on_away if isinstance(error, PASSING) else on_broken
            await (await answer(Request(scope), error))(scope, receive, marked)


def as_bytes(refused: Refused, is_tls: bool) -> bytes:
    """A refusal as it goes over the wire, where no application answers; the connection ends with it."""
    answer = problem(refused, "", {"Connection": "close", HEADER: new_id()})
    message: Message = {"headers": answer.raw_headers}
    _mark(message, is_tls, _POLICY)
    status = HTTPStatus(answer.status_code)
    lines = [f"HTTP/1.1 {status.value} {status.phrase}".encode()]
    lines += [name + b": " + value for name, value in message["headers"]]
    return b"\r\n".join([*lines, b"", bytes(answer.body)])


def _mark(message: Message, is_tls: bool, policy: str) -> None:
    message["headers"] = list(message.get("headers", ()))
    headers = MutableHeaders(scope=message)
    headers["Content-Security-Policy"] = policy
    for name, value in {**_HEADERS, **(_OVER_TLS if is_tls else {})}.items():
        headers[name] = value
    headers.setdefault("Cache-Control", "no-cache")
