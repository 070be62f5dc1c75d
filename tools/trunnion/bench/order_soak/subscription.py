"""The webhook of a soak: subscribed once, and found again in the soak's folder."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.fernet import Fernet

from trunnion.bench.order_soak.caller import Caller

KEY_VARIABLE = "TRUNNION_WEBHOOK_KEY"


@dataclass(frozen=True)
class Subscription:
    """Where messages come to, and what they are signed with (whsec_…)."""

    webhook_id: str
    port: int
    secret: str


def webhook_key(folder: Path) -> str:
    """What bridges encrypt secrets with: the same for all of them, whenever they are started on this folder."""
    file = folder / "webhook.key"
    if not file.exists():
        _keep(file, Fernet.generate_key().decode())
    return file.read_text()


def subscription(folder: Path) -> Subscription:
    """The one that `subscribe` has made."""
    return Subscription(**json.loads((folder / "webhook.json").read_text()))


def subscribe(folder: Path, caller: Caller) -> Subscription:
    """The webhook for all that happens to orders, made where there is none."""
    if not (folder / "webhook.json").exists():
        for left in caller.ask(
            "GET", "/v1/webhooks"
        ).json():  # by one who was stopped before it was written down
            caller.ask("DELETE", f"/v1/webhooks/{left['id']}")
        port = free_port()
        made = caller.ask("POST", "/v1/webhooks", json={"url": f"http://127.0.0.1:{port}/"}).json()
        _keep(folder / "webhook.json", json.dumps(asdict(Subscription(made["id"], port, made["secret"]))))
    return subscription(folder)


def free_port() -> int:
    """A TCP port on loopback that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _keep(file: Path, secret: str) -> None:
    """In one piece, and for its owner alone."""
    beside = file.with_suffix(".new")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as written:
        written.write(secret)
    beside.rename(file)
