"""A receiver of OTLP over HTTP that keeps requests as they came: length-delimited protobuf, one file."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from tests.lab.http1 import Message, Response, serve_connection
from tests.lab.listening import Listener

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path


def varint(value: int) -> bytes:
    """A protobuf base-128 varint."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


class TraceSink:
    """Listens on `address` and appends every ExportTraceServiceRequest to `path`, whole, as it arrives."""

    def __init__(self, address: tuple[str, int], path: Path) -> None:
        self._listener = Listener(address, self._converse)
        self._path = path
        self._file: BinaryIO | None = None

    async def start(self) -> None:
        """Opens the file and the port."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # Unbuffered: one write per request, so that a reader who follows the file sees whole messages soon.
        self._file = self._path.open("ab", buffering=0)
        await self._listener.open()

    async def stop(self) -> None:
        """Closes the port and the file."""
        await self._listener.close()
        if self._file is not None:
            self._file.close()
            self._file = None

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await serve_connection(reader, writer, self._store)

    async def _store(self, request: Message) -> Response:
        if request.start[1] != "/v1/traces" or self._file is None:
            return Response(503)
        self._file.write(varint(len(request.body)) + request.body)
        return Response(200, content_type="application/x-protobuf")
