"""Somebody who orders, and who never gives up: that is what orders are safe for."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import httpx

from trunnion_contract.errors import Broken

PATIENCE_S = 180.0
_AGAIN_S = 0.5


class Caller:
    """Asks one bridge after the other until one answers; use it with `with`."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._clients = [httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10.0) for port in ports]
        self._turn = 0

    def __enter__(self) -> Caller:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients:
            client.close()

    def ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        """An answer that is neither a refusal for now nor for want of a token.

        Raises:
            Broken: nobody gave one for minutes.
        """
        until_s = time.monotonic() + PATIENCE_S
        said = "nothing"
        while time.monotonic() < until_s:
            client = self._clients[self._turn % len(self._clients)]
            try:
                answer = client.request(method, path, **request)
                if answer.status_code == httpx.codes.UNAUTHORIZED:
                    token = client.post("/v1/session").json()["token"]
                    client.headers["Authorization"] = f"Bearer {token}"
                    client.cookies.clear()
                elif answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                    return answer
                else:
                    said = answer.text
                    time.sleep(_AGAIN_S)
            except (httpx.TransportError, KeyError, ValueError) as error:
                said = repr(error)
                time.sleep(0.05)
            self._turn += 1
        raise Broken(
            where="the bridges", got=said, wanted="an answer", next_step="see their logs in the folder"
        )
