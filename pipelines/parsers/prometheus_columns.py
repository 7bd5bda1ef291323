"""Where the compiled scan of an exposition writes to, and the tables it reads from: plain arrays in named tuples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from pipelines.parsers.prometheus_lines import SUFFIXES, UNKNOWN_TYPES

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: A vector may be read or written past the end of bytes.
PADDING: Final = 64

#: What `Columns.counts` holds: how many rows, labels, hard numbers and slow lines there are; where the last TYPE line
#: begins (-1: none), and the length of its family's name and its kind.
ROWS: Final = 0
LABELS: Final = 1
HARDS: Final = 2
SLOW: Final = 3
TYPE_AT: Final = 4
FAMILY_LENGTH: Final = 5
KIND: Final = 6

#: Classes of bytes: what may begin or continue a metric's or a label's name.
NAME_START: Final = 1
NAME_REST: Final = 2
LABEL_START: Final = 4
LABEL_REST: Final = 8

#: Kinds of metric by their code.
KINDS: Final = (None, *sorted(SUFFIXES.keys() - UNKNOWN_TYPES))
_SUFFIXES: Final = sorted({suffix for suffixes in SUFFIXES.values() for suffix in suffixes})


class Columns(NamedTuple):
    """Room for whatever a block may hold, in Arrow's layouts. Ends have a zero before them.

    `hards` are row, start and end of numbers that are left to be computed; `slow` are start and end of lines that are
    left to others, and where the TYPE line begins that holds for them.
    """

    offsets: NDArray[np.int64]
    kinds: NDArray[np.uint8]
    times: NDArray[np.int64]
    values: NDArray[np.float64]
    name_ends: NDArray[np.int32]
    names: NDArray[np.uint8]
    label_ends: NDArray[np.int32]
    key_ends: NDArray[np.int32]
    keys: NDArray[np.uint8]
    text_ends: NDArray[np.int32]
    texts: NDArray[np.uint8]
    hards: NDArray[np.int64]
    slow: NDArray[np.int64]
    counts: NDArray[np.int64]


class Tables(NamedTuple):
    """What the scan looks up: classes of bytes; the words of types and suffixes, each a row of code, length, bytes;
    and which suffix a kind may have.
    """

    classes: NDArray[np.uint8]
    types: NDArray[np.uint8]
    suffixes: NDArray[np.uint8]
    allowed: NDArray[np.uint8]


def room_for(length: int) -> Columns:
    """Room for a block of `length` bytes. Pages that are never written take no memory."""
    rows = length // 4 + 2  # the shortest sample: `a 1` and a newline
    labels = length // 5 + 2  # the shortest label: `a="",`
    columns = Columns(
        offsets=np.empty(rows, np.int64),
        kinds=np.empty(rows, np.uint8),
        times=np.empty(rows, np.int64),
        values=np.empty(rows, np.float64),
        name_ends=np.empty(rows + 1, np.int32),
        names=np.empty(length + PADDING, np.uint8),
        label_ends=np.empty(rows + 1, np.int32),
        key_ends=np.empty(labels + 1, np.int32),
        keys=np.empty(length + PADDING, np.uint8),
        text_ends=np.empty(labels + 1, np.int32),
        texts=np.empty(length + PADDING, np.uint8),
        hards=np.empty((rows, 3), np.int64),
        slow=np.empty((length // 2 + 2, 3), np.int64),
        counts=np.zeros(8, np.int64),
    )
    for ends in (columns.name_ends, columns.label_ends, columns.key_ends, columns.text_ends):
        ends[0] = 0
    return columns


def padded(text: bytes) -> NDArray[np.uint8]:
    """Bytes that may be read past their end."""
    data = np.zeros(len(text) + PADDING, np.uint8)
    data[: len(text)] = np.frombuffer(text, np.uint8)
    return data


def _classes() -> NDArray[np.uint8]:
    table = np.zeros(256, np.uint8)
    letters = [*range(ord("a"), ord("z") + 1), *range(ord("A"), ord("Z") + 1), ord("_")]
    table[letters] = NAME_START | NAME_REST | LABEL_START | LABEL_REST
    table[ord(":")] = NAME_START | NAME_REST
    table[ord("0") : ord("9") + 1] = NAME_REST | LABEL_REST
    return table


def _words(codes: dict[str, int]) -> NDArray[np.uint8]:
    table = np.zeros((len(codes), 2 + max(map(len, codes)) + PADDING), np.uint8)
    for row, (text, code) in enumerate(codes.items()):
        table[row, 0], table[row, 1] = code, len(text)
        table[row, 2 : 2 + len(text)] = np.frombuffer(text.encode(), np.uint8)
    return table


TABLES: Final = Tables(
    classes=_classes(),
    types=_words({kind: 0 if kind in UNKNOWN_TYPES else KINDS.index(kind) for kind in SUFFIXES}),
    suffixes=_words(dict.fromkeys(_SUFFIXES, 0)),
    allowed=np.array([[suffix in SUFFIXES.get(kind or "", ()) for suffix in _SUFFIXES] for kind in KINDS], np.uint8),
)
