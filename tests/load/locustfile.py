"""Callers of a bridge as in a plant: dashboards, an ERP that orders and cancels, cameras that ask what they see.

See README.md for the commands. They are one caller to the bridge, which wants `--rate-per-s` for more than 300 requests
a second.
"""

from __future__ import annotations

import os
import uuid
from typing import Any

import cv2
import httpx
import numpy as np
from locust import FastHttpUser, between, events, task
from locust.env import Environment

_PICTURE = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
JPEG = cv2.imencode(".jpg", cv2.resize(_PICTURE, (640, 480), interpolation=cv2.INTER_CUBIC))[1].tobytes()
_TOKENS: dict[str, str] = {}


@events.test_start.add_listener
def _say_who(environment: Environment, **_: Any) -> None:
    """A token from the environment, or from a bridge in development mode that the same user runs."""
    given = os.environ.get("TRUNNION_TOKEN")
    _TOKENS["all"] = given or httpx.post(f"{environment.host}/v1/session").raise_for_status().json()["token"]


class Caller(FastHttpUser):
    """Whoever has the token."""

    abstract = True

    def on_start(self) -> None:
        self.headers = {"Authorization": f"Bearer {_TOKENS['all']}"}


class Dashboard(Caller):
    """Looks every second or two."""

    weight = 4
    wait_time = between(1, 2)

    @task(4)
    def look(self) -> None:
        for path in ("/v1/state", "/v1/robots", "/v1/detections"):
            with self.client.get(path, headers=self.headers, catch_response=True) as answer:
                # A robot that is away is told with 503, which is an answer.
                if answer.status_code in (200, 503):
                    answer.success()

    @task
    def look_back(self) -> None:
        self.client.get("/v1/orders?limit=20", headers=self.headers)
        self.client.get("/v1/missions?limit=20", headers=self.headers)


class Erp(Caller):
    """Orders, asks again with the same key as after a lost answer, looks, and cancels."""

    wait_time = between(1, 3)

    @task
    def order(self) -> None:
        body = {"lines": [{"part": "gear", "quantity": 1}], "bin": "B"}
        keyed = {**self.headers, "Idempotency-Key": f"load-{uuid.uuid4()}"}
        placed, again = (self.client.post("/v1/orders", json=body, headers=keyed) for _ in range(2))
        if placed.status_code != 201:
            return
        order_id = placed.json()["id"]
        assert again.json()["id"] == order_id, "the same key gave two orders"
        self.client.get(f"/v1/orders/{order_id}", headers=self.headers, name="/v1/orders/{id}")
        path = f"/v1/orders/{order_id}/cancel"
        with self.client.post(path, headers=self.headers, name="cancel", catch_response=True) as answer:
            if answer.status_code in (202, 409):  # it may have ended already
                answer.success()


class Eye(Caller):
    """Asks what is in an image, one after the other."""

    wait_time = between(0, 0.05)

    @task
    def infer(self) -> None:
        headers = {**self.headers, "Content-Type": "image/jpeg"}
        self.client.post("/v1/infer", data=JPEG, headers=headers)
