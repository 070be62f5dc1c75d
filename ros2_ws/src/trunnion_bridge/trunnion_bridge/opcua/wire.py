"""The bytes that come in: bounded before anything is kept, and a connection that breaks the protocol is closed.

asyncua as it is keeps whatever a header announces, and goes on after what it could not read.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from contextlib import suppress
from typing import Any

from asyncua import ua
from asyncua.common.connection import TransportLimits
from asyncua.common.utils import Buffer
from asyncua.server.binary_server_asyncio import BinaryServer, OPCUAProtocol
from asyncua.ua import ua_binary
from asyncua.ua.uaerrors import UaError

from trunnion_bridge.opcua.processor import Processor

CHUNK_MAX_BYTES = 64 * 1024 - 1
CHUNK_MIN_BYTES = 8192  # OPC 10000-6, 7.1.2.3
MESSAGE_MAX_BYTES = 256 * 1024
LIMITS = TransportLimits(
    max_recv_buffer=CHUNK_MAX_BYTES,
    max_send_buffer=CHUNK_MAX_BYTES,
    max_chunk_count=16,
    max_message_size=MESSAGE_MAX_BYTES,
)
_HEADER_BYTES = 8
_KINDS = (b"HEL", b"OPN", b"MSG", b"CLO")  # what a server is sent; an ACK would change our limits
_ELEMENTS_MAX = 64
_log = logging.getLogger("trunnion.bridge")


class _NullArray:
    """An array of nothing takes no bytes, however many elements it claims: two thousand million, and memory is full."""

    @staticmethod
    def unpack_array(_: Any, length: int) -> list[None]:
        if length > 0:
            raise UaError(f"an array of {length} times nothing")
        return []


def harden() -> None:
    """Close what asyncua's decoder leaves open, in this process: both may be asked for before anyone is known."""
    ua_binary.Primitives1.Null = _NullArray
    ua_binary._create_uatype_array_deserializer.cache_clear()
    ua_binary.MAX_RESHAPE_ELEMENTS = (
        _ELEMENTS_MAX  # of an array with several dimensions, of which we take none
    )


class Wire(OPCUAProtocol):
    """One connection."""

    processor: Any
    _buffer: bytes

    def connection_made(self, transport: Any) -> None:
        """See asyncio.Protocol."""
        super().connection_made(transport)
        self._writable = asyncio.Event()
        self._writable.set()
        if self.processor is not None:
            self.processor = Processor(self.iserver, self.transport, self.limits)
            self.processor.set_policies(self.policies)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if self.transport is None or self.transport.is_closing():
            return
        self._buffer += data
        while len(self._buffer) >= _HEADER_BYTES:
            kind, size = self._buffer[:3], struct.unpack_from("<I", self._buffer, 4)[0]
            if kind not in _KINDS or not _HEADER_BYTES < size <= CHUNK_MAX_BYTES:
                self._break_off(f"a chunk {kind!r} of {size} bytes")
                return
            if len(self._buffer) < size:
                return
            message, self._buffer = Buffer(self._buffer[:size]), self._buffer[size:]
            try:
                self.messages.put_nowait((ua_binary.header_from_binary(message), message))
            except (asyncio.QueueFull, UaError, ValueError, struct.error) as error:
                self._break_off(type(error).__name__)
                return

    def pause_writing(self) -> None:
        """The client does not read: nothing more is taken from it until it does."""
        self._writable.clear()
        if self.transport is not None:
            self.transport.pause_reading()

    def resume_writing(self) -> None:
        """It reads again."""
        self._writable.set()
        if self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()

    async def _process_one_msg(self, header: Any, buf: Any) -> bool:
        await self._writable.wait()
        try:
            if header.MessageType == ua.MessageType.Hello:
                _check_hello(buf)
            return bool(await super()._process_one_msg(header, buf))
        except Exception as error:  # whatever cannot be read, or breaks the decoder
            self._break_off(f"what cannot be taken ({type(error).__name__})")
            return False

    def _break_off(self, got: str) -> None:
        _log.debug("opcua: %s sent %s: the connection is closed", self.peer_name, got)
        self._buffer = b""
        if self.transport is None or self.transport.is_closing():
            return
        with suppress(Exception):
            told = ua.ErrorMessage(ua.StatusCode(ua.StatusCodes.BadTcpMessageTypeInvalid), got)
            self.transport.write(ua_binary.uatcp_to_binary(ua.MessageType.Error, told))
        self.transport.close()


class WireServer(BinaryServer):
    """Takes connections on a socket that is bound already."""

    def __init__(self, internal_server: Any, listener: socket.socket) -> None:
        super().__init__(internal_server, *listener.getsockname()[:2], LIMITS)
        self._listener = listener

    def _make_protocol(self) -> Wire:
        return Wire(self.iserver, self._policies, self.clients, self.closing_tasks, self.limits)

    async def start(self) -> None:
        """Begin to take them."""
        loop = asyncio.get_running_loop()
        # A socket of its own, for the loop closes what it is given.
        self._server = await loop.create_server(self._make_protocol, sock=self._listener.dup())
        self.cleanup_task = asyncio.create_task(self._close_task_loop())

    def abort(self) -> None:
        """Take no more, and leave those that there are."""
        if self._server:
            self._server.close()
        for transport in list(self.iserver.asyncio_transports):
            transport.abort()


def _check_hello(message: Any) -> None:
    hello = ua_binary.struct_from_binary(ua.Hello, message.copy())
    if min(hello.ReceiveBufferSize, hello.SendBufferSize) < CHUNK_MIN_BYTES:
        raise UaError("buffers that are too small")
