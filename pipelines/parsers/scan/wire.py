"""Protobuf's wire format, scanned in place: what is taken is what the protobuf library decodes, all else is refused.

Refused is whatever the library may see otherwise: groups, tags and lengths that are none, fields cut off, text that is
no UTF-8, messages that are nested deeply. Positions of -1 say so. Nothing is read past `end`. `data` is an address, to
which positions are added.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from pipelines.parsers.scan.compiled import compiled
from pipelines.parsers.scan.memory import byte, word
from pipelines.parsers.scan.stretches import is_utf8

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor
    from numpy.typing import NDArray

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
REFUSED: Final = -1
_MORE: Final = 0x80
_LAST_SHIFT: Final = 63
_MOST_TAG: Final = (1 << 32) - 1
_DEEPEST: Final = 32
#: What a field of bytes holds, in a `Shapes`: nothing to look into, text, or a message of kind n as n + 2.
_OPAQUE, _TEXT, _FIRST_MESSAGE = 0, 1, 2


class Shapes(NamedTuple):
    """Messages by kind: `holds[kind, number]` says what a field of bytes is; `kinds` has kinds by name."""

    holds: NDArray[np.int64]
    kinds: dict[str, int]


def shapes_of(*roots: Descriptor) -> Shapes:
    """What fields of the messages hold, and of all messages within them."""
    kinds: dict[str, int] = {}
    found: list[Descriptor] = []
    waiting = list(roots)
    while waiting:
        descriptor = waiting.pop(0)
        if descriptor.full_name not in kinds:
            kinds[descriptor.full_name] = len(found)
            found.append(descriptor)
            waiting += [field.message_type for field in descriptor.fields if field.message_type is not None]
    most = max(field.number for descriptor in found for field in descriptor.fields)
    holds = np.full((len(found), most + 1), _OPAQUE, np.int64)
    for kind, descriptor in enumerate(found):
        for field in descriptor.fields:
            if field.message_type is not None:
                holds[kind, field.number] = _FIRST_MESSAGE + kinds[field.message_type.full_name]
            elif field.type == field.TYPE_STRING:
                holds[kind, field.number] = _TEXT
    return Shapes(holds, kinds)


@compiled
def varint(data: int, at: int, end: int) -> tuple[int, int]:
    """A varint as a signed number of 64 bits, and the position behind it."""
    if at >= end:
        return 0, REFUSED
    first = byte(data, at)
    at += 1
    if first < _MORE:
        return first, at
    value = first & 0x7F
    shift = 7
    while at < end:
        more = byte(data, at)
        at += 1
        if shift == _LAST_SHIFT and more > 1:
            return 0, REFUSED
        value |= (more & 0x7F) << shift
        if more < _MORE:
            return value, at
        shift += 7
        if shift > _LAST_SHIFT:
            break
    return 0, REFUSED


@compiled
def tag(data: int, at: int, end: int) -> tuple[int, int]:
    """A field's tag (its number times 8, and its wire type), and the position behind it."""
    value, at = varint(data, at, end)
    if at < 0 or value < 8 or value > _MOST_TAG:
        return 0, REFUSED
    return value, at


@compiled
def length(data: int, at: int, end: int) -> tuple[int, int]:
    """Where the bytes behind a length begin and end."""
    size, at = varint(data, at, end)
    if at < 0 or size < 0 or size > end - at:
        return 0, REFUSED
    return at, at + size


@compiled
def text(data: int, at: int, end: int) -> tuple[int, int]:
    """Where the text behind a length begins and ends."""
    start, stop = length(data, at, end)
    if stop < 0 or not is_utf8(data, start, stop):
        return 0, REFUSED
    return start, stop


@compiled
def skip(data: int, at: int, end: int, wire: int) -> int:
    """The position behind a field's value."""
    if wire == VARINT:
        _, at = varint(data, at, end)
        return at
    if wire == BYTES:
        _, at = length(data, at, end)
        return at
    if wire == FIXED64:
        return at + 8 if at + 8 <= end else REFUSED
    if wire == FIXED32:
        return at + 4 if at + 4 <= end else REFUSED
    return REFUSED


@compiled
def is_zero(data: int, start: int, end: int) -> bool:
    """Whether all bytes are zeros."""
    for place in range(start, end):  # noqa: SIM110  # compiled code has no generators
        if byte(data, place) != 0:
            return False
    return True


@compiled
def is_valid(  # noqa: C901  # a case for each kind of field
    data: int, start: int, end: int, kind: int, holds: int, most: int
) -> bool:
    """Whether a message and all within it are sound; where nothing in it is wanted, that is all there is to know.

    `holds` is the address of the shapes, `most` how many numbers each kind has there.
    """
    ends = np.empty(_DEEPEST, np.int64)
    kinds = np.empty(_DEEPEST, np.int64)
    level = 0
    ends[0], kinds[0] = end, kind
    at = start
    while level >= 0:
        if at == ends[level]:
            level -= 1
            continue
        field, at = tag(data, at, ends[level])
        if at < 0:
            return False
        number, wire = field >> 3, field & 7
        if wire != BYTES:
            at = skip(data, at, ends[level], wire)
            if at < 0:
                return False
            continue
        first, stop = length(data, at, ends[level])
        if stop < 0:
            return False
        held = word(holds, kinds[level] * most + number) if number < most else _OPAQUE
        at = stop
        if held == _TEXT:
            if not is_utf8(data, first, stop):
                return False
        elif held >= _FIRST_MESSAGE:
            level += 1
            if level == _DEEPEST:
                return False
            ends[level], kinds[level] = stop, held - _FIRST_MESSAGE
            at = first
    return True
