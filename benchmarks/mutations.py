"""Random damage to bytes: what disks, networks, shippers and attackers do to records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

#: Pieces that parsers trip over.
_TOKENS: Final = (
    b'"', b"\\", b'\\"', b"{", b"}", b"[", b"]", b":", b",", b" ", b"\t", b"\r", b"\n", b"\x00", b"\x7f", b"\xff",
    b"\xc3", b"\xed\xa0\x80", b"\xf0\x9f\x9a\x80", b"\xef\xbb\xbf", b"-", b"-1", b"0", b"1e309", b"NaN", b"+Inf",
    b"null", b"true", b"9" * 19, b"18446744073709551616", b"2147483648", b"1970-01-01T00:00:00Z",
    b"9999-12-31T23:59:60.999999999Z", b"\xff\xff\xff\xff\x0f", b"\xff" * 9 + b"\x01", b"\x80" * 11, b"---\n",
    b"- ", b"&a ", b"*a", b"<<: ", b"!!python/object:os ", b"\\u0000", b"\\ud800", b"\\x", b"%", b"#", b"le=",
    b"{{", b"|", b"outbound|80||", b"HTTP/1.1", b'" "', b'" 200 - ',
)  # fmt: skip
_MOST_DAMAGES: Final = 4
_LONGEST_REPEAT: Final = 64


def mutated(seed: bytes, others: Sequence[bytes], random: Random) -> bytes:
    """A seed with one to four damages; parts of `others` may be put into it."""
    data = bytearray(seed)
    for _ in range(random.randint(1, _MOST_DAMAGES)):
        _damage(data, others, random)
    return bytes(data)


def _damage(data: bytearray, others: Sequence[bytes], random: Random) -> None:
    kind = random.randrange(9)
    start = random.randint(0, len(data))
    end = min(len(data), start + random.choice((1, 1, 2, 4, 16, 200)))
    if kind == 0:
        del data[start:end]
    elif kind == 1 and start < len(data):
        data[start] ^= 1 << random.randrange(8)
    elif kind == 2 and start < len(data):
        data[start] = random.randrange(256)
    elif kind == 3:
        data[start:start] = random.choice(_TOKENS)
    elif kind == 4:
        data[start:end] = random.choice(_TOKENS)
    elif kind == 5:
        data[start:start] = data[start:end] * random.randint(1, _LONGEST_REPEAT if end - start < 8 else 2)
    elif kind == 6:
        other = random.choice(others)
        first = random.randint(0, len(other))
        data[start:end] = other[first : first + random.randint(1, 80)]
    elif kind == 7:
        del data[random.randint(0, len(data)) :]
    else:
        data[start:start] = random.randbytes(random.randint(1, 8))
