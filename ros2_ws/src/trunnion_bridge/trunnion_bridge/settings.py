"""What the bridge is told at its start. The URL of a database hides its password when it is printed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import URL

from trunnion_bridge.access.limits import Limits
from trunnion_bridge.database import sqlite_url
from trunnion_bridge.log import LogFormat
from trunnion_bridge.loopback import is_loopback
from trunnion_bridge.outward.vda5050.mqtt import Mqtt
from trunnion_contract.errors import BadInput


@dataclass(frozen=True)
class Oidc:
    """The OpenID provider whose tokens are taken. Valid once built.

    Attributes:
        issuer: exactly as its tokens name it in `iss`; below it stands /.well-known/openid-configuration.
        audience: what its tokens must name in `aud`.
        role_claim: where they name roles; a name, or a dotted path such as realm_access.roles.
        client_id: of the page, a public client there; without it the page has no way to sign in.
        scope: what the page asks the provider for.
    """

    issuer: str
    audience: str
    role_claim: str = "roles"
    client_id: str = ""
    scope: str = "openid"

    @property
    def origin(self) -> str:
        """Where the provider is, as browsers write it."""
        address = urlsplit(self.issuer)
        return f"{address.scheme}://{address.netloc}"

    @property
    def resource(self) -> str | None:
        """The audience as a resource indicator (RFC 8707), which must be a URI; None where it is none."""
        return self.audience if urlsplit(self.audience).scheme else None

    def __post_init__(self) -> None:
        address = urlsplit(self.issuer)
        if address.scheme != "https" and not (
            address.scheme == "http" and is_loopback(address.hostname or "")
        ):
            raise BadInput(
                where="--oidc-issuer",
                got=f"'{self.issuer}'" if self.issuer else "nothing",
                wanted="an address that begins with https://, because whoever could change its keys would be let in",
                next_step="name the issuer as its tokens do",
            )
        if not self.audience:
            raise BadInput(
                where="--oidc-audience",
                got="nothing",
                wanted="what the issuer's tokens for this bridge name in `aud`",
                next_step="name it, so that tokens for other services are not taken",
            )


@dataclass(frozen=True)
class OpcUa:
    """Where OPC UA is served. Valid once built.

    Attributes:
        endpoint: opc.tcp://HOST:PORT/PATH; port 0 takes a free one.
        certificate: of this server, PEM, with RSA; with it every client must encrypt and say who it is. `key` is its
            key. Without it the bridge makes itself one for as long as it runs, and whoever runs the bridge needs none.
    """

    endpoint: str
    certificate: Path | None = None
    key: Path | None = None

    def __post_init__(self) -> None:
        try:
            address = urlsplit(self.endpoint)
            is_fit = address.scheme == "opc.tcp" and bool(address.hostname) and address.port is not None
        except ValueError:
            is_fit = False
        if not is_fit:
            raise BadInput(
                where="--opcua-endpoint",
                got=ascii(self.endpoint),
                wanted="opc.tcp://HOST:PORT/PATH, such as opc.tcp://127.0.0.1:4840/trunnion",
                next_step="name the address on which OPC UA is to be served",
            )
        if (self.certificate is None) != (self.key is None):
            raise BadInput(
                where="--opcua-cert",
                got="a key without a certificate" if self.key else "a certificate without its key",
                wanted="both, or none of them",
                next_step="name files that belong together with --opcua-cert and --opcua-key",
            )

    @property
    def host(self) -> str:
        """The address to listen on."""
        return urlsplit(self.endpoint).hostname or ""

    @property
    def port(self) -> int:
        """The port to listen on; 0 is a free one."""
        return urlsplit(self.endpoint).port or 0


@dataclass(frozen=True)
class Settings:
    """Valid once built.

    Attributes:
        bundle: what the cell runs; the parts and bins that can be ordered come from it.
        data_dir: the bridge's own folder, used by one bridge at a time.
        database: a PostgreSQL database for the orders; None is a SQLite file in `data_dir`.
        oidc: whose tokens are taken; without it the bridge issues its own, and listens to this machine only.
        opcua: where OPC UA is served; without it it is not.
        tls_cert: a certificate chain (PEM); with it the bridge speaks HTTPS only. `tls_key` is its key.
        advertise_url: where callers of other bridges on the same database reach this one.
        webhook_allow: hosts and networks that webhooks may go to though not everybody can reach them.
        webhook_keys: what their secrets are encrypted with; None is a file in `data_dir`.
        mqtt: the broker to speak VDA5050 with; None for none.
        nodes: nodes that must be heard of; others are added as their heartbeats come.
        robot_wait_s: how long the order whose turn it is waits for the sorter before it fails.
        image_pixels_max: of an image that is sent; decoded it takes three bytes for each.
        inferences_max: images that are sent at a time; more are refused.
        sorter_silence_max_s: a running order fails when the sorter was not heard of for so long.
        drain_s: how long the order that runs may go on after SIGTERM before it is cancelled.
        limits: how much callers may ask.
        allow_origins: other web sites whose pages may call the bridge, with a token of their own.
        log_format: `text` for people, `json` for what collects logs: a line, an object.
        ros_arguments: from `--ros-args` on, as launch files pass them.
    """

    bundle: Path
    data_dir: Path
    database: URL | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    oidc: Oidc | None = None
    opcua: OpcUa | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    advertise_url: str = ""
    namespace: str = "/cell"
    webhook_allow: tuple[str, ...] = ()
    webhook_keys: str | None = field(default=None, repr=False)
    mqtt: Mqtt | None = None
    nodes: tuple[str, ...] = ("detector", "policy", "sorter")
    ros_arguments: tuple[str, ...] = ()
    robot_wait_s: float = 60.0
    sorter_silence_max_s: float = 5.0
    queued_max: int = 100
    watchers_max: int = 8
    body_max_bytes: int = 64 * 1024
    drain_s: float = 0.0
    log_format: LogFormat = "text"
    image_max_bytes: int = 8 * 2**20
    image_pixels_max: int = 16 * 2**20
    inferences_max: int = 32
    limits: Limits = field(default_factory=Limits)
    allow_origins: tuple[str, ...] = ()
    snapshots_max: int = 200
    snapshots_max_bytes: int = 256 * 2**20

    def __post_init__(self) -> None:
        if not self.oidc and not is_loopback(self.host):
            raise BadInput(
                where="--host",
                got=f"{self.host}, which others on the network can reach",
                wanted="an address of this machine alone, such as 127.0.0.1, or an issuer whose tokens say who calls",
                next_step="name one with --oidc-issuer and --oidc-audience, or keep 127.0.0.1",
            )
        if not 0 <= self.port <= 65535:
            raise BadInput(
                where="--port", got=str(self.port), wanted="0 to 65535", next_step="choose another port"
            )
        if not 0 <= self.drain_s < math.inf:
            raise BadInput(
                where="--drain-s",
                got=str(self.drain_s),
                wanted="0 or more seconds",
                next_step="choose another time, or leave it out to stop at once",
            )

        if self.opcua and not self.opcua.certificate and (self.oidc or not is_loopback(self.opcua.host)):
            raise BadInput(
                where="--opcua-cert",
                got=f"no certificate for {self.opcua.endpoint}",
                wanted="a certificate of this server: with an issuer, or where others on the network can come in, "
                "clients must be able to tell it from another one",
                next_step="name one with --opcua-cert and --opcua-key, or serve OPC UA on 127.0.0.1 without an issuer",
            )

    @property
    def database_url(self) -> URL:
        """Where the orders are."""
        return self.database or sqlite_url(self.data_dir / "bridge.db")
