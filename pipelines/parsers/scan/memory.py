"""Bytes and words by address. Compiled functions that are called for every field take addresses and no arrays: each
array among its arguments would cost a call two atomic operations on its reference count.

Nothing is checked: whoever calls keeps the arrays alive and stays within them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from llvmlite import ir  # type: ignore[import-untyped]  # has no types
from numba import types
from numba.extending import intrinsic

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numba.core.base import BaseContext
    from numba.core.typing.templates import Signature
    from numpy.typing import NDArray

    Emit = Callable[[BaseContext, ir.IRBuilder, Signature, list[ir.Value]], ir.Value]

_BYTE = ir.IntType(8)
_WORD = ir.IntType(64)


def _address(_context: object, array: types.Array) -> tuple[Signature, Emit]:
    def emit(context: BaseContext, builder: ir.IRBuilder, _signature: Signature, given: list[ir.Value]) -> ir.Value:
        held = context.make_array(array)(context, builder, given[0])  # type: ignore[no-untyped-call]  # no types here
        return cast("ir.Value", builder.ptrtoint(held.data, _WORD))

    return types.int64(array), emit


def _pointer(builder: ir.IRBuilder, base: ir.Value, place: ir.Value, kind: ir.IntType) -> ir.Value:
    offset = builder.mul(place, ir.Constant(_WORD, kind.width // 8))
    return cast("ir.Value", builder.inttoptr(builder.add(base, offset), kind.as_pointer()))


def _byte(_context: object, _base: object, _place: object) -> tuple[Signature, Emit]:
    def emit(_: BaseContext, builder: ir.IRBuilder, _signature: Signature, given: list[ir.Value]) -> ir.Value:
        return cast("ir.Value", builder.zext(builder.load(_pointer(builder, given[0], given[1], _BYTE)), _WORD))

    return types.int64(types.int64, types.int64), emit


def _put_byte(_context: object, _base: object, _place: object, _value: object) -> tuple[Signature, Emit]:
    def emit(context: BaseContext, builder: ir.IRBuilder, _signature: Signature, given: list[ir.Value]) -> ir.Value:
        builder.store(builder.trunc(given[2], _BYTE), _pointer(builder, given[0], given[1], _BYTE))
        return context.get_dummy_value()  # type: ignore[no-untyped-call]  # no types here

    return types.void(types.int64, types.int64, types.int64), emit


def _word(_context: object, _base: object, _place: object) -> tuple[Signature, Emit]:
    def emit(_: BaseContext, builder: ir.IRBuilder, _signature: Signature, given: list[ir.Value]) -> ir.Value:
        loaded = builder.load(_pointer(builder, given[0], given[1], _WORD))
        loaded.align = 1
        return loaded

    return types.int64(types.int64, types.int64), emit


def _put_word(_context: object, _base: object, _place: object, _value: object) -> tuple[Signature, Emit]:
    def emit(context: BaseContext, builder: ir.IRBuilder, _signature: Signature, given: list[ir.Value]) -> ir.Value:
        builder.store(given[2], _pointer(builder, given[0], given[1], _WORD))
        return context.get_dummy_value()  # type: ignore[no-untyped-call]  # no types here

    return types.void(types.int64, types.int64, types.int64), emit


#: Where an array's first byte is.
address = cast("Callable[[NDArray[np.generic]], int]", intrinsic(_address))
#: The byte at a base plus a place.
byte = cast("Callable[[int, int], int]", intrinsic(_byte))
#: Stores a value's lowest byte at a base plus a place.
put_byte = cast("Callable[[int, int, int], None]", intrinsic(_put_byte))
#: The signed number of 64 bits (lowest byte first) at a base plus 8 times a place.
word = cast("Callable[[int, int], int]", intrinsic(_word))
#: Stores such a number at a base plus 8 times a place.
put_word = cast("Callable[[int, int, int], None]", intrinsic(_put_word))
