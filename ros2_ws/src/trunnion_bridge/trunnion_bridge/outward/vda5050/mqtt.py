"""Which broker the cell speaks VDA5050 with, as which robot, and how it says who it is."""

from __future__ import annotations

import argparse
import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from trunnion_bridge.loopback import is_loopback
from trunnion_bridge.outward.vda5050.dialect import DIALECTS, Dialect
from trunnion_contract.errors import BadInput

USER, PASSWORD = "TRUNNION_MQTT_USERNAME", "TRUNNION_MQTT_PASSWORD"
CA, CERTIFICATE, KEY = "TRUNNION_MQTT_CA", "TRUNNION_MQTT_CERT", "TRUNNION_MQTT_KEY"
_PORTS = {"mqtt": 1883, "mqtts": 8883}
_NAME = re.compile(r"[A-Za-z0-9_.:-]+")


@dataclass(frozen=True)
class Mqtt:
    """Valid once built.

    Attributes:
        url: mqtts://HOST:PORT; mqtt:// without TLS only on this machine.
        manufacturer: with `serial_number` the robot's name in topics and messages.
        ca: certificates that may have signed the broker's; None is what the machine trusts.
        certificate: of the bridge, with its `key`, where the broker wants one.
    """

    url: str
    manufacturer: str = "trunnion"
    serial_number: str = "cell"
    dialect: Dialect = DIALECTS["2"]
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            is_right = (
                parts.scheme in _PORTS and parts.hostname and not parts.path.strip("/") and self.port > 0
            )
        except ValueError:
            is_right = False
        if not is_right or parts.query or parts.fragment:
            raise _bad("--mqtt-url", "something else", "mqtts://HOST:PORT")
        if parts.username is not None or parts.password is not None:
            raise _bad(
                "--mqtt-url",
                "a user or a password",
                f"a URL without them; {USER} and {PASSWORD} are for that",
            )
        if parts.scheme == "mqtt" and not is_loopback(self.host):
            raise _bad("--mqtt-url", "no TLS to another machine", "mqtts://, because orders move a robot")
        for name in (self.manufacturer, self.serial_number):
            if not _NAME.fullmatch(name):
                raise _bad("--mqtt-robot", ascii(name), "MANUFACTURER/SERIAL of letters, digits and _.:-")

    @property
    def host(self) -> str:
        """Of the broker."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """Of the broker."""
        parts = urlsplit(self.url)
        return _PORTS[parts.scheme] if parts.port is None else parts.port

    def tls(self) -> ssl.SSLContext | None:
        """None without TLS.

        Raises:
            BadInput: a certificate cannot be read.
        """
        if urlsplit(self.url).scheme != "mqtts":
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca)
            if self.certificate:
                context.load_cert_chain(self.certificate, self.key)
        except (OSError, ValueError) as error:
            names = ", ".join(name for name in (CA, CERTIFICATE, KEY) if os.environ.get(name))
            raise _bad(
                names, f"what cannot be used ({error})", "PEM files, the key without a password"
            ) from None
        return context

    def topic(self, name: str) -> str:
        """The whole name of a topic."""
        return f"{self.dialect.topics}/{self.manufacturer}/{self.serial_number}/{name}"


def add_mqtt_options(parser: argparse.ArgumentParser) -> None:
    """Let the bridge be told of a broker."""
    parser.add_argument(
        "--mqtt-url",
        metavar="URL",
        help=f"broker for VDA5050, mqtts://HOST:PORT; {USER} and {PASSWORD} say who asks",
    )
    parser.add_argument(
        "--mqtt-robot",
        default=f"{Mqtt.manufacturer}/{Mqtt.serial_number}",
        metavar="MANUFACTURER/SERIAL",
        help="the robot's name there (default: %(default)s)",
    )
    parser.add_argument("--vda5050", choices=DIALECTS, default="2", help="version (default: %(default)s)")


def mqtt_of(given: argparse.Namespace, environment: Mapping[str, str] = os.environ) -> Mqtt | None:
    """The broker that is meant; None for none.

    Raises:
        BadInput: it cannot be used.
    """
    if not given.mqtt_url:
        return None
    manufacturer, _, serial_number = given.mqtt_robot.partition("/")
    files = {
        name: Path(environment[name]) if environment.get(name) else None for name in (CA, CERTIFICATE, KEY)
    }
    mqtt = Mqtt(
        given.mqtt_url,
        manufacturer,
        serial_number,
        DIALECTS[given.vda5050],
        environment.get(USER),
        environment.get(PASSWORD),
        files[CA],
        files[CERTIFICATE],
        files[KEY],
    )
    mqtt.tls()
    return mqtt


def _bad(where: str, got: str, wanted: str) -> BadInput:
    return BadInput(where=where, got=got, wanted=wanted, next_step="correct it, or leave --mqtt-url out")
