"""What a value of a text log may be: the same rules as `pipelines/parsers/access_log_patterns.py`.

A value lies between two addresses. Some bytes in front of it and 32 behind it can be read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pipelines.parsers.scan.compiled import compiled
from pipelines.parsers.scan.lanes import byte, inside, lowest, word

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.parsers.scan.lanes import Address, Truth

#: Kinds of a value: any text, at least one byte, such without `[`, an HTTP method, an HTTP version, a response code,
#: response flags, digits, digits or `-`, an address with a port.
TEXT, WORD, LAST_WORD, METHOD, PROTOCOL, CODE, FLAGS, COUNT, COUNT_OR_DASH, ADDRESS = range(10)

_MOST_DIGITS: Final = 18
_LONGEST_FLAG: Final = 32
_LONGEST_IPV4: Final = len("255.255.255.255:65535")
_DASH, _DOT, _COLON, _OPEN, _CLOSE = b"-.:[]"
_PERCENT, _SLASH, _AT, _COMMA, _UNDERSCORE = b"%/@,_"
_ZERO, _NINE, _CAPITAL_A, _CAPITAL_Z = b"09AZ"
_HTTP_1_0, _HTTP_1_1, _HTTP_2, _HTTP_3, _ENVOY = (
    int.from_bytes(text, "little") for text in (b"HTTP/1.0", b"HTTP/1.1", b"HTTP/2", b"HTTP/3", b"envoy://")
)
_SIX_BYTES: Final = 0xFFFF_FFFF_FFFF

_TOKEN: Final = np.zeros(256, np.bool_)
_TOKEN[list(b"!#$%&'*+.^_`|~-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")] = True
_HEXADECIMAL: Final = np.zeros(256, np.bool_)
_HEXADECIMAL[list(b"0123456789abcdefABCDEF:.")] = True


@compiled
def low_bits(count: Address) -> np.uint32:
    """A mask of so many of the lowest bits, fewer than 32."""
    return (np.uint32(1) << np.uint32(count)) - np.uint32(1)


@compiled
def _are_digits(at: Address, end: Address) -> Truth:
    """Whether fewer than 32 bytes are digits."""
    all_of_them = low_bits(end - at)
    digits: Truth = (inside(at, _ZERO, _NINE) & all_of_them) == all_of_them
    return digits


@compiled
def _is_count(at: Address, end: Address) -> Truth:
    return 1 <= end - at <= _MOST_DIGITS and _are_digits(at, end)


@compiled
def _is_port(at: Address, end: Address) -> Truth:
    """A colon and one to five digits."""
    return 2 <= end - at <= 6 and byte(at) == _COLON and _are_digits(at + 1, end)


@compiled
def _is_ipv4(at: Address, end: Address) -> Truth:
    """Four numbers up to 255 without leading zeros, and a port of one to five digits."""
    size = end - at
    if size > _LONGEST_IPV4:
        return False
    all_of_them = low_bits(size)
    marks = all_of_them ^ (inside(at, _ZERO, _NINE) & all_of_them)
    good: Truth = True
    begin = at
    # No branches: what is where differs from address to address.
    for part in range(4):
        place = at + lowest(marks)
        marks &= marks - np.uint32(1)
        length = place - begin
        ones = np.int64(byte(place - 1)) - 48
        tens = (np.int64(byte(place - 2)) - 48) * (length > 1)
        hundreds = (np.int64(byte(place - 3)) - 48) * (length > 2)
        good &= (length > 0) & (length < 4) & (byte(place) == (_DOT if part < 3 else _COLON))
        good &= (hundreds * 100 + tens * 10 + ones < 256) & ((length == 1) | (byte(begin) != _ZERO))
        begin = place + 1
    good &= (marks == 0) & (end > begin) & (end - begin < 6)
    return good


@compiled
def _is_ipv6(at: Address, end: Address) -> Truth:
    """Hexadecimal digits, colons and dots in brackets, perhaps with a zone, and a port."""
    place = at + 1
    while place < end and _HEXADECIMAL[byte(place)]:
        place += 1
    if place == at + 1 or place >= end:
        return False
    if byte(place) == _PERCENT:
        zone = place + 1
        place = zone
        while place < end and byte(place) != _CLOSE:
            place += 1
        if place == zone or place >= end:
            return False
    return byte(place) == _CLOSE and _is_port(place + 1, end)


@compiled
def _is_address(at: Address, end: Address) -> Truth:
    """An address with a port, the path of a socket, an address within Envoy, or `-`."""
    if end == at:
        return False
    first = byte(at)
    if _ZERO <= first <= _NINE:
        return _is_ipv4(at, end)
    if first == _DASH:
        return end - at == 1
    if first == _OPEN:
        return _is_ipv6(at, end)
    if first == _SLASH or first == _AT:  # noqa: SIM109  # a tuple costs more
        return end - at > 1
    return end - at > 8 and word(at) == _ENVOY


@compiled
def _is_method(at: Address, end: Address) -> Truth:
    size = end - at
    if size < 32:
        all_of_them = low_bits(size)
        if (inside(at, _CAPITAL_A, _CAPITAL_Z) & all_of_them) == all_of_them:
            return size > 0
    place = at
    while place < end and _TOKEN[byte(place)]:
        place += 1
    return place == end


@compiled
def _is_protocol(at: Address, end: Address) -> Truth:
    """`HTTP/1.0`, `HTTP/1.1`, `HTTP/2`, `HTTP/3` or `-`."""
    size = end - at
    found = word(at)
    if size == 8:
        return found == _HTTP_1_1 or found == _HTTP_1_0  # a tuple costs more
    found &= _SIX_BYTES
    if size == 6:
        return found == _HTTP_2 or found == _HTTP_3  # as above
    return size == 1 and byte(at) == _DASH


@compiled
def _is_code(at: Address, end: Address) -> Truth:
    """0, or three digits the first of which is none."""
    size = end - at
    return (size == 1 and byte(at) == _ZERO) or (size == 3 and byte(at) != _ZERO and _are_digits(at, end))


@compiled
def _are_flags(at: Address, end: Address) -> Truth:
    """`-`, or names of capitals, digits and underscores with commas between them."""
    if end - at == 1 and byte(at) == _DASH:
        return True
    length = 0
    for place in range(at, end):
        letter = byte(place)
        if letter == _COMMA:
            if length == 0:
                return False
            length = 0
            continue
        later = letter == _UNDERSCORE or _ZERO <= letter <= _NINE
        if not (_CAPITAL_A <= letter <= _CAPITAL_Z or (later and length > 0)):
            return False
        length += 1
        if length > _LONGEST_FLAG:
            return False
    return length > 0


@compiled
def _is_last_word(at: Address, end: Address) -> Truth:
    for place in range(at, end):
        if byte(place) == _OPEN:
            return False
    return end > at


@compiled
def _is_kind(kind: int, at: Address, end: Address) -> Truth:
    """Whether a value is of one of the kinds that are more than text or a word."""
    if kind == ADDRESS:
        return _is_address(at, end)
    if kind == COUNT:
        return _is_count(at, end)
    if kind == COUNT_OR_DASH:
        return (end - at == 1 and byte(at) == _DASH) or _is_count(at, end)
    if kind == CODE:
        return _is_code(at, end)
    if kind == FLAGS:
        return _are_flags(at, end)
    if kind == METHOD:
        return _is_method(at, end)
    if kind == PROTOCOL:
        return _is_protocol(at, end)
    return _is_last_word(at, end)


@compiled
def check_kinds(
    data: NDArray[np.uint8],
    kinds: NDArray[np.uint8],
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
    bad: NDArray[np.uint8],
) -> None:
    """Mark the lines in which a value is not of its kind. Values are of shape (fields, lines)."""
    address = np.int64(data.ctypes.data)
    for field in range(len(kinds)):
        kind = kinds[field]
        if kind == TEXT:
            continue
        if kind == WORD:
            for row in range(len(bad)):
                bad[row] |= starts[field, row] == ends[field, row]
            continue
        for row in range(len(bad)):
            bad[row] |= not _is_kind(kind, address + starts[field, row], address + ends[field, row])
