"""Thirty-two bytes at a time: vector instructions that numba has no words for.

Addresses are those of arrays of bytes; every array needs 32 readable bytes behind its last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from llvmlite import ir  # type: ignore[import-untyped]  # has no types
from numba import types
from numba.extending import intrinsic

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numba.core.base import BaseContext
    from numba.core.typing.templates import Signature

    #: An address as numba sees it; sums of signed and unsigned numbers would be floats there.
    Address = int | np.signedinteger
    Truth = bool | np.bool_
    Emit = Callable[[BaseContext, ir.IRBuilder, Signature, list[ir.Value]], ir.Value]

LANES: Final = 32

_BYTE: Final = ir.IntType(8)
_MASK: Final = ir.IntType(LANES)
_VECTOR: Final = ir.VectorType(_BYTE, LANES)
_SPACE: Final = 0x20
_DELETE: Final = 0x7F


def _load(builder: ir.IRBuilder, address: ir.Value, kind: ir.Type) -> ir.Value:
    loaded = builder.load(builder.inttoptr(address, kind.as_pointer()))
    loaded.align = 1
    return loaded


def _splat(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    undefined = ir.Constant(_VECTOR, ir.Undefined)
    one = builder.insert_element(undefined, value, ir.Constant(_MASK, 0))
    return builder.shuffle_vector(one, undefined, ir.Constant(ir.VectorType(_MASK, LANES), [0] * LANES))


def _either(_context: object, _address: object, _first: object, _second: object) -> tuple[Signature, Emit]:
    def emit(_: BaseContext, builder: ir.IRBuilder, _signature: Signature, given: list[ir.Value]) -> ir.Value:
        loaded = _load(builder, given[0], _VECTOR)
        first = builder.icmp_unsigned("==", loaded, _splat(builder, given[1]))
        second = builder.icmp_unsigned("==", loaded, _splat(builder, given[2]))
        return cast("ir.Value", builder.bitcast(builder.or_(first, second), _MASK))

    return types.uint32(types.int64, types.uint8, types.uint8), emit


def _unusual(_context: object, _address: object) -> tuple[Signature, Emit]:
    def emit(_: BaseContext, builder: ir.IRBuilder, _signature: Signature, given: list[ir.Value]) -> ir.Value:
        loaded = _load(builder, given[0], _VECTOR)
        # As signed numbers, bytes from 128 are below zero.
        below = builder.icmp_signed("<", loaded, ir.Constant(_VECTOR, [_SPACE] * LANES))
        delete = builder.icmp_unsigned("==", loaded, ir.Constant(_VECTOR, [_DELETE] * LANES))
        return cast("ir.Value", builder.bitcast(builder.or_(below, delete), _MASK))

    return types.uint32(types.int64), emit


def _inside(_context: object, _address: object, _first: object, _last: object) -> tuple[Signature, Emit]:
    def emit(_: BaseContext, builder: ir.IRBuilder, _signature: Signature, given: list[ir.Value]) -> ir.Value:
        loaded = _load(builder, given[0], _VECTOR)
        above = builder.icmp_unsigned(">=", loaded, _splat(builder, given[1]))
        below = builder.icmp_unsigned("<=", loaded, _splat(builder, given[2]))
        return cast("ir.Value", builder.bitcast(builder.and_(above, below), _MASK))

    return types.uint32(types.int64, types.uint8, types.uint8), emit


def _different(_context: object, _first: object, _second: object) -> tuple[Signature, Emit]:
    def emit(_: BaseContext, builder: ir.IRBuilder, _signature: Signature, given: list[ir.Value]) -> ir.Value:
        first, second = (_load(builder, address, _VECTOR) for address in given)
        return cast("ir.Value", builder.bitcast(builder.icmp_unsigned("!=", first, second), _MASK))

    return types.uint32(types.int64, types.int64), emit


def _copy(_context: object, _target: object, _source: object) -> tuple[Signature, Emit]:
    def emit(context: BaseContext, builder: ir.IRBuilder, _signature: Signature, given: list[ir.Value]) -> ir.Value:
        target = builder.inttoptr(given[0], _VECTOR.as_pointer())
        stored = builder.store(_load(builder, given[1], _VECTOR), target)
        stored.align = 1
        return context.get_dummy_value()  # type: ignore[no-untyped-call]  # numba has no types here

    return types.void(types.int64, types.int64), emit


def _byte(_context: object, _address: object) -> tuple[Signature, Emit]:
    def emit(_: BaseContext, builder: ir.IRBuilder, _signature: Signature, given: list[ir.Value]) -> ir.Value:
        return _load(builder, given[0], _BYTE)

    return types.uint8(types.int64), emit


def _word(_context: object, _address: object) -> tuple[Signature, Emit]:
    def emit(_: BaseContext, builder: ir.IRBuilder, _signature: Signature, given: list[ir.Value]) -> ir.Value:
        return _load(builder, given[0], ir.IntType(64))

    return types.uint64(types.int64), emit


def _lowest(_context: object, _mask: object) -> tuple[Signature, Emit]:
    def emit(_: BaseContext, builder: ir.IRBuilder, _signature: Signature, given: list[ir.Value]) -> ir.Value:
        return cast("ir.Value", builder.zext(builder.cttz(given[0], ir.Constant(ir.IntType(1), 0)), ir.IntType(64)))

    return types.int64(types.uint32), emit


#: A bit for each byte that equals either of two.
either = cast("Callable[[Address, np.uint8, np.uint8], np.uint32]", intrinsic(_either))
#: A bit for each byte from the first to the last of a range.
inside = cast("Callable[[Address, int, int], int]", intrinsic(_inside))
#: A bit for each byte that is a control byte (127 is one, too) or above 127.
unusual = cast("Callable[[Address], np.uint32]", intrinsic(_unusual))
#: A bit for each byte in which two stretches differ.
different = cast("Callable[[Address, Address], np.uint32]", intrinsic(_different))
#: Copies 32 bytes: target, source.
copy_lanes = cast("Callable[[Address, Address], None]", intrinsic(_copy))
#: The byte at an address. Small functions take addresses, not arrays, whose passing costs more than they do.
byte = cast("Callable[[Address], int]", intrinsic(_byte))
#: Eight bytes as a number, the first the least significant.
word = cast("Callable[[Address], int]", intrinsic(_word))
#: The place of a mask's lowest bit.
lowest = cast("Callable[[np.uint32], int]", intrinsic(_lowest))
