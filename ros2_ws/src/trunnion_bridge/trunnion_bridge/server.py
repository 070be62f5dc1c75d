"""Serves the application on a socket that is bound already, until a signal comes."""

from __future__ import annotations

import logging
import resource
import signal
import socket

import uvicorn

from trunnion_bridge.app import create_app
from trunnion_bridge.bridge import Bridge
from trunnion_bridge.connections import Connections
from trunnion_bridge.database import Database
from trunnion_bridge.drain import DrainingServer
from trunnion_bridge.log import start_log
from trunnion_bridge.settings import Settings
from trunnion_bridge.tracing import tracing
from trunnion_contract.errors import Broken

_GRACE_S = 1
_log = logging.getLogger("trunnion.bridge")


def serve(settings: Settings, listener: socket.socket, opcua: socket.socket | None = None) -> None:
    """Return when a signal has stopped the server; `opcua` is where OPC UA is served, if it is.

    Raises:
        BadInput: the bundle or the orders cannot be used.
        Broken: the server did not start.
    """
    app = create_app(settings, opcua)
    start_log(settings.log_format)
    host, port = listener.getsockname()[:2]
    bridge: Bridge = app.state.bridge
    connections = Connections(settings.limits, bridge.metrics.refuse)
    bridge.metrics.connections.set_function(lambda: len(connections))
    _allow_files(connections.files_wanted)
    config = uvicorn.Config(
        app,
        http=connections.http(),
        ws=connections.websocket(),
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_GRACE_S,
        timeout_keep_alive=settings.limits.idle_s,
        ws_max_size=1024,  # listeners have nothing to say
        ws_per_message_deflate=False,  # it costs memory for each listener
        server_header=False,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        proxy_headers=False,  # who is at the other end is asked of the kernel, never of the request
    )
    server = DrainingServer(config, bridge.drain, settings.drain_s, settings.limits.handshake_within_s)
    _stop_on_signal(server)
    with Database(settings.database_url):
        pass  # what cannot be used is told now, not in the middle of the start
    scheme = "https" if settings.tls_cert else "http"
    print(f"bridge: {scheme}://{host}:{port}/", flush=True)
    with tracing():
        server.run(sockets=[listener])
    if not server.started and not server.should_exit:
        raise Broken(
            where="the bridge", got="no start", wanted="a bridge that runs", next_step="see the log above"
        )


def _allow_files(wanted: int) -> None:
    """As many open files as connections take; many systems begin with 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        if most < wanted:
            _log.warning("this user may open %d files, which is too few for %d connections", most, wanted)


def _stop_on_signal(server: uvicorn.Server) -> None:
    """For a signal before uvicorn listens to them, and after, when uvicorn raises the one that stopped it again."""

    def stop(*_: object) -> None:
        server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
