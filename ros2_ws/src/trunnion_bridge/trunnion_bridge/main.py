"""The command `bridge`: checks everything that can be checked, then serves until a signal comes."""

from __future__ import annotations

import argparse
import errno
import fcntl
import os
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from trunnion_bridge.access.limits import add_limit_options, limits_of, origins_of
from trunnion_bridge.certificate import check_certificate
from trunnion_bridge.database_option import add_database_option, database_of
from trunnion_bridge.log import FORMATS
from trunnion_bridge.outward.vda5050.mqtt import add_mqtt_options, mqtt_of
from trunnion_bridge.settings import Oidc, OpcUa, Settings
from trunnion_contract.errors import BadInput, ExitCode, TrunnionError

KEY_VARIABLE = "TRUNNION_WEBHOOK_KEY"
_BACKLOG = 128


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 stopped by a signal, 2 bad input, 3 something broke."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        if given[:1] == ["keys"]:
            from trunnion_bridge.access.command import keys_command

            return keys_command(given[1:])
        settings = _settings(given)
        check_certificate(settings.tls_cert, settings.tls_key)
        _check_opcua(settings.opcua)
        with ExitStack() as stack:
            stack.enter_context(_only_bridge(settings.data_dir))
            listener = stack.enter_context(_listening(settings.host, settings.port, "--port"))
            opcua = _opcua_listener(stack, settings.opcua)
            # Imported here, because it takes a second or two, and what cannot start should be told at once.
            from trunnion_bridge.server import serve

            serve(settings, listener, opcua)
            return int(ExitCode.OK)
    except KeyboardInterrupt:
        return int(ExitCode.OK)
    except TrunnionError as error:
        print(error, file=sys.stderr)
        return int(error.exit_code)


def _settings(arguments: Sequence[str]) -> Settings:
    own, ros = _split(arguments)
    given = _parser().parse_args(own)
    return Settings(
        bundle=given.bundle,
        data_dir=given.data_dir,
        database=database_of(given.database),
        host=given.host,
        port=given.port,
        oidc=_oidc(given),
        opcua=_opcua(given),
        tls_cert=given.tls_cert,
        tls_key=given.tls_key,
        advertise_url=given.advertise_url,
        webhook_allow=tuple(entry for entry in given.webhook_allow.split(",") if entry),
        webhook_keys=os.environ.get(KEY_VARIABLE),
        mqtt=mqtt_of(given),
        nodes=tuple(name for name in given.nodes.split(",") if name),
        robot_wait_s=given.robot_wait_s,
        drain_s=given.drain_s,
        log_format=given.log_format,
        limits=limits_of(given),
        allow_origins=origins_of(given),
        ros_arguments=ros,
    )


def _oidc(given: argparse.Namespace) -> Oidc | None:
    if not given.oidc_issuer and not given.oidc_audience and not given.oidc_client_id:
        return None
    return Oidc(
        given.oidc_issuer,
        given.oidc_audience,
        given.oidc_role_claim,
        given.oidc_client_id,
        given.oidc_scope,
    )


def _opcua(given: argparse.Namespace) -> OpcUa | None:
    if not given.opcua_endpoint:
        return None
    return OpcUa(given.opcua_endpoint, given.opcua_cert, given.opcua_key)


def _check_opcua(opcua: OpcUa | None) -> None:
    if opcua and opcua.certificate:
        from trunnion_bridge.opcua.certificate import identity_of

        identity_of(opcua)


def _opcua_listener(stack: ExitStack, opcua: OpcUa | None) -> socket.socket | None:
    return stack.enter_context(_listening(opcua.host, opcua.port, "--opcua-endpoint")) if opcua else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bridge", description="REST, WebSocket and a live page in front of a cell"
    )
    parser.add_argument("--bundle", type=Path, required=True, help="the bundle that the cell runs")
    parser.add_argument("--data-dir", type=Path, required=True, help="the bridge's own folder")
    add_database_option(parser)
    parser.add_argument("--host", default=Settings.host, help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=int, default=Settings.port, help="default: %(default)s; 0 takes a free one"
    )
    parser.add_argument("--tls-cert", type=Path, metavar="PEM", help="certificate chain; then HTTPS only")
    parser.add_argument(
        "--tls-key", type=Path, metavar="PEM", help="its key, where it stands in another file"
    )
    parser.add_argument("--oidc-issuer", default="", metavar="URL", help="the OpenID provider of the callers")
    parser.add_argument("--oidc-audience", default="", metavar="AUD", help="what its tokens name in `aud`")
    parser.add_argument(
        "--oidc-role-claim", default=Oidc.role_claim, help="where they name roles (default: %(default)s)"
    )
    parser.add_argument(
        "--advertise-url", default="", metavar="URL", help="where other bridges' callers reach this one"
    )
    parser.add_argument(
        "--webhook-allow",
        default="",
        metavar="HOST,...",
        help="hosts and networks that webhooks may go to though not everybody can reach them",
    )
    add_mqtt_options(parser)
    parser.add_argument(
        "--oidc-client-id", default="", metavar="ID", help="the page's own, to sign in with (a public client)"
    )
    parser.add_argument(
        "--oidc-scope", default=Oidc.scope, help="what the page asks the provider for (default: %(default)s)"
    )
    parser.add_argument(
        "--opcua-endpoint", default="", metavar="URL", help="serve OPC UA at opc.tcp://HOST:PORT/PATH, too"
    )
    parser.add_argument("--opcua-cert", type=Path, metavar="PEM", help="its certificate; then encrypted only")
    parser.add_argument("--opcua-key", type=Path, metavar="PEM", help="the key of that")
    parser.add_argument(
        "--nodes", default=",".join(Settings.nodes), help="nodes that must be there (%(default)s)"
    )
    parser.add_argument(
        "--robot-wait-s", type=float, default=Settings.robot_wait_s, help="how long an order waits"
    )
    add_limit_options(parser)
    parser.add_argument(
        "--drain-s",
        type=float,
        default=Settings.drain_s,
        help="on SIGTERM, how long the order that runs may go on before it is cancelled (default: %(default)g)",
    )
    parser.add_argument(
        "--log-format",
        choices=FORMATS,
        default=Settings.log_format,
        help="for people, or a line of JSON each for what collects logs (default: %(default)s)",
    )
    return parser


def _split(arguments: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """Our own arguments, and those for ROS, which stand between `--ros-args` and `--` or the end."""
    words = list(arguments)
    if "--ros-args" not in words:
        return words, ()
    begin = words.index("--ros-args")
    end = words.index("--", begin) if "--" in words[begin:] else len(words)
    return words[:begin] + words[end + 1 :], tuple(words[begin + 1 : end])


@contextmanager
def _only_bridge(data_dir: Path) -> Iterator[None]:
    """Two bridges on the same orders would send each of them twice."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(data_dir / "bridge.lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        got, wanted = f"a folder that cannot be used ({error.strerror})", "a folder that the bridge may write"
        raise BadInput(
            where=str(data_dir), got=got, wanted=wanted, next_step="name another --data-dir"
        ) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise BadInput(
            where=str(data_dir),
            got="a folder that another bridge is using",
            wanted="orders that are looked after by one bridge",
            next_step="stop the other bridge, or name another --data-dir",
        ) from None
    finally:
        os.close(descriptor)


@contextmanager
def _listening(host: str, port: int, option: str) -> Iterator[socket.socket]:
    """Take the port before anything is started, so that a start that cannot succeed changes nothing."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise _not_bound(host, port, option, error) from None
    with listener:
        yield listener


def _not_bound(host: str, port: int, option: str, error: OSError) -> BadInput:
    if error.errno == errno.EADDRINUSE:
        return BadInput(
            where=f"port {port} on {host}",
            got="a port that another program uses",
            wanted="a free port",
            next_step=f"stop that program (ss -ltnp 'sport = :{port}' names it), or choose another {option}",
        )
    return BadInput(
        where=f"{host}:{port}",
        got=f"an address that cannot be used ({error.strerror})",
        wanted="an address of this machine and a port that this user may open",
        next_step=f"choose another {'--host or --port' if option == '--port' else option}",
    )


if __name__ == "__main__":
    sys.exit(main())
