"""As much HTTP/1.1 as the lab's services need: a server loop and a client with kept connections."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

MAX_BODY_BYTES = 16 * 1024 * 1024
REASONS = {200: "OK", 500: "Internal Server Error", 503: "Service Unavailable"}


class ProtocolError(Exception):
    """The peer does not speak the HTTP that is expected here."""


class ResetWantedError(Exception):
    """Raised by a handler that wants its connection aborted instead of an answer."""


@dataclass(frozen=True, slots=True)
class Message:
    """A request or a response: the words of its first line, headers with lower-case names, and its body."""

    start: tuple[str, str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """What a handler answers."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"


Handler = Callable[[Message], Awaitable[Response]]


async def read_message(reader: asyncio.StreamReader, read: bytes = b"") -> Message | None:
    """The next message, or None where the peer closed in between. Raises ProtocolError, IncompleteReadError.

    `read` is what was read of it before.
    """
    try:
        head = read + await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    words = first.split(" ", 2)
    if len(words) < 2:
        message = f"not an HTTP start line: {first!r}"
        raise ProtocolError(message)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = await _read_chunks(reader)
    else:
        body = await reader.readexactly(_checked_length(headers.get("content-length", "0")))
    return Message((words[0], words[1], words[2] if len(words) > 2 else ""), headers, body)


async def _read_request(reader: asyncio.StreamReader) -> Message | None:
    """As `read_message`, but says at the first byte that a peer speaks something else, TLS for instance."""
    first = await reader.read(1)
    if not first:
        return None
    if not first.isupper():
        message = f"no HTTP method begins with {first!r}"
        raise ProtocolError(message)
    return await read_message(reader, first)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := _checked_length((await reader.readline()).split(b";")[0].decode("ascii").strip(), 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
        _checked_length(str(len(body)))
    await reader.readexactly(2)
    return body


def _checked_length(digits: str, base: int = 10) -> int:
    length = int(digits, base)
    if not 0 <= length <= MAX_BODY_BYTES:
        message = f"a body of {length} bytes is more than the {MAX_BODY_BYTES} this reads"
        raise ProtocolError(message)
    return length


async def _read_response(reader: asyncio.StreamReader) -> Message:
    response = await read_message(reader)
    if response is None:
        raise ConnectionResetError
    return response


async def serve_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handle: Handler) -> None:
    """Answers requests one after the other until the peer closes or the handler wants a reset."""
    try:
        while (request := await _read_request(reader)) is not None:
            response = await handle(request)
            head = (
                f"HTTP/1.1 {response.status} {REASONS.get(response.status, 'Status')}\r\n"
                f"content-type: {response.content_type}\r\ncontent-length: {len(response.body)}\r\n\r\n"
            )
            writer.write(head.encode("latin-1") + response.body)
            await writer.drain()
    except ResetWantedError:
        writer.transport.abort()
    except ProtocolError:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


@dataclass(slots=True)
class Client:
    """Sends requests over kept connections from one source address."""

    source: str
    _idle: dict[tuple[str, int], list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    async def request(
        self, address: tuple[str, int], method: str, path: str, headers: Mapping[str, bytes], body: bytes = b""
    ) -> tuple[int, Message]:
        """The status and the response. Raises ConnectionError, IncompleteReadError, ProtocolError."""
        idle = self._idle[address]
        while idle:
            reader, writer = idle.pop()
            if not (reader.at_eof() or writer.is_closing()):
                break
            # A proxy that drains closes connections that nobody uses.
            writer.close()
        else:
            reader, writer = await self.connect(address)
        try:
            lines = b"".join(name.encode("latin-1") + b": " + value + b"\r\n" for name, value in headers.items())
            head = f"{method} {path} HTTP/1.1\r\n".encode("latin-1")
            writer.write(head + lines + f"content-length: {len(body)}\r\n\r\n".encode("latin-1") + body)
            await writer.drain()
            response = await _read_response(reader)
            status = int(response.start[1])
        except BaseException:
            writer.transport.abort()
            raise
        if response.headers.get("connection", "").lower() == "close":
            writer.close()
        else:
            idle.append((reader, writer))
        return status, response

    async def connect(self, address: tuple[str, int]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A new connection from the client's own address."""
        return await asyncio.open_connection(*address, local_addr=(self.source, 0))

    async def close(self) -> None:
        """Closes all kept connections."""
        writers = [writer for idle in self._idle.values() for _, writer in idle]
        self._idle.clear()
        for writer in writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)
