"""A port that can be closed as a dying process closes it, and opened again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Converse = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Listener:
    """Accepts connections on an address and hands each to `converse`."""

    def __init__(self, address: tuple[str, int], converse: Converse) -> None:
        self.address = address
        self._converse = converse
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        """Opens the port. Raises OSError where it is taken."""
        self._server = await asyncio.start_server(self._accept, *self.address)

    async def close(self) -> None:
        """Closes the port and resets every connection. Harmless when closed."""
        if self._server is not None:
            self._server.close()
            self._server = None
        writers = tuple(self._writers)
        for writer in writers:
            writer.transport.abort()
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            await self._converse(reader, writer)
        finally:
            self._writers.discard(writer)
            writer.close()
