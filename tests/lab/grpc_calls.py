"""gRPC without generated code: messages are bytes, methods are paths."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeAlias

import grpc
import grpc.aio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

GrpcContext: TypeAlias = "grpc.aio.ServicerContext[bytes, bytes]"

TIMEOUT_S = 10.0
STATUS_CODES = {code.value[0]: code for code in grpc.StatusCode}


class GrpcMethods(grpc.GenericRpcHandler):  # type: ignore[misc] # grpcio ships no types
    """Hands every method to one function of its path."""

    def __init__(self, serve: Callable[[str, GrpcContext], Awaitable[bytes]]) -> None:
        self._serve = serve

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        """The handler of a call."""
        method = handler_call_details.method

        async def answer(_request: bytes, context: GrpcContext) -> bytes:
            return await self._serve(method, context)

        return grpc.unary_unary_rpc_method_handler(answer)


class GrpcClient:
    """Calls over one connection an authority; the operating system chooses the source address."""

    def __init__(self) -> None:
        self._channels: dict[tuple[str, str], grpc.aio.Channel] = {}

    async def call(self, address: tuple[str, int], authority: str, method: str, headers: dict[str, bytes]) -> str:
        """The outcome: `200` for OK, else `grpc-N`."""
        target = f"{address[0]}:{address[1]}"
        if (target, authority) not in self._channels:
            options = [("grpc.default_authority", authority), ("grpc.enable_retries", 0)]
            self._channels[target, authority] = grpc.aio.insecure_channel(target, options)
        call = self._channels[target, authority].unary_unary(method)
        metadata = [(name, value.decode("latin-1")) for name, value in headers.items()]
        try:
            await call(b"request", metadata=metadata, timeout=TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            return f"grpc-{error.code().value[0]}"
        return "200"

    async def close(self) -> None:
        """Closes all connections."""
        await asyncio.gather(*(channel.close() for channel in self._channels.values()))
        self._channels.clear()
