r"""Lines as the container runtime writes them: containerd's and CRI-O's text (CRI), Docker's JSON.

    2026-01-01T12:00:00.000000000Z stdout P first part of a long line
    2026-01-01T12:00:00.000000001Z stdout F and its rest
    {"log":"a whole line\n","stream":"stdout","time":"2026-01-01T12:00:00.000000000Z"}

A runtime cuts lines of more than 16 KiB. The parts of a line follow one another within their stream; lines of the
other stream may come between them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipelines.parsers.scan.compiled import compiled
from pipelines.parsers.wrappers.json_kernels import PLAIN
from pipelines.parsers.wrappers.json_spans import Spans, members
from pipelines.parsers.wrappers.texts import write_texts
from pipelines.parsers.wrappers.unwrapped import Unwrapped, line_bounds, reject_spans

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CRI_DAMAGE = "not a line of the container runtime: no time, stdout or stderr, and F or P before the text"
_DOCKER_DAMAGE = 'not a line of Docker\'s json-file: no JSON object with a "log" that is a string'
_STDERR, _PARTIAL = 1, 2


@compiled
def _cri_headers(
    data: NDArray[np.uint8],
    begins: NDArray[np.int64],
    ends: NDArray[np.int64],
    texts: NDArray[np.int64],
    kinds: NDArray[np.uint8],
) -> None:
    """Where the text of each line begins (-1: no CRI line), and its stream and whether it goes on."""
    for row in range(len(begins)):
        begin, end = begins[row], ends[row]
        texts[row] = -1
        i = begin + 20  # the shortest time, 2026-01-01T12:00:00Z
        if i > end or data[begin + 4] != 45 or data[begin + 10] != 84 or data[begin + 13] != 58:
            continue
        last = min(end, begin + 36)
        while i < last and data[i] != 32:
            i += 1
        # ` stdout F` or ` stderr P:tag`, and a space where text follows.
        if i + 9 > end or data[i] != 32 or data[i + 1] != 115 or data[i + 2] != 116 or data[i + 3] != 100:
            continue
        is_out = data[i + 4] == 111 and data[i + 5] == 117 and data[i + 6] == 116
        is_error = data[i + 4] == 101 and data[i + 5] == 114 and data[i + 6] == 114
        flag = data[i + 8]
        if not (is_out or is_error) or data[i + 7] != 32 or (flag != 70 and flag != 80):
            continue
        kinds[row] = (_STDERR if is_error else 0) | (_PARTIAL if flag == 80 else 0)
        i += 9
        if i < end and data[i] == 58:
            while i < end and data[i] != 32:
                i += 1
        if i == end:
            texts[row] = end
        elif data[i] == 32:
            texts[row] = i + 1


@compiled
def _groups(kinds: NDArray[np.uint8], groups: NDArray[np.int64]) -> int:
    """The number of the whole line that each part belongs to; returns how many lines there are."""
    count = 0
    open_group = np.full(2, -1, np.int64)
    for row in range(len(kinds)):
        stream = kinds[row] & _STDERR
        if open_group[stream] < 0:
            open_group[stream] = count
            count += 1
        groups[row] = open_group[stream]
        if not kinds[row] & _PARTIAL:
            open_group[stream] = -1
    return count


def unwrap_cri(data: NDArray[np.uint8]) -> Unwrapped:
    """The lines that CRI lines hold, parts joined."""
    begins, ends, texts, kinds = _cri_lines(data)
    spans = Spans(texts, ends, np.full(len(ends), PLAIN, np.uint8))
    return _joined(data, (begins, ends), spans, (texts >= 0, kinds, _CRI_DAMAGE))


def unwrap_docker(data: NDArray[np.uint8]) -> Unwrapped:
    """The lines that Docker's JSON lines hold, parts joined."""
    begins, ends, log, kinds = _docker_lines(data)
    return _joined(data, (begins, ends), log, (log.is_text(), kinds, _DOCKER_DAMAGE))


def cri_record_ends(data: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Positions behind lines after which no line waits for its rest."""
    _, ends, texts, kinds = _cri_lines(data)
    return _clean(ends, np.where(texts >= 0, kinds, 0))


def docker_record_ends(data: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Positions behind lines after which no line waits for its rest."""
    _, ends, _, kinds = _docker_lines(data)
    return _clean(ends, kinds)


def _cri_lines(
    data: NDArray[np.uint8],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]:
    begins, ends = line_bounds(data)
    texts, kinds = np.empty_like(begins), np.zeros(len(begins), np.uint8)
    _cri_headers(data, begins, ends, texts, kinds)
    return begins, ends, texts, kinds


def _docker_lines(data: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64], Spans, NDArray[np.uint8]]:
    begins, ends = line_bounds(data)
    (log, stream), _ = members(data, begins, ends, [b"log", b"stream"])
    is_text = log.is_text()
    # The text of a whole line ends with an escaped newline.
    last = np.where(is_text & (log.ends - log.begins >= 2), log.ends, 2)
    newline = np.zeros(len(begins), np.bool_) if not len(data) > 1 else (data[last - 1] == 110) & (data[last - 2] == 92)
    is_whole = newline & (log.ends - log.begins >= 2)
    is_error = stream.is_text() & (stream.ends - stream.begins == len("stderr"))
    if len(data):
        is_error &= data[np.minimum(stream.begins + 3, len(data) - 1)] == 101
    kinds = np.where(is_error, _STDERR, 0) | np.where(is_text & ~is_whole, _PARTIAL, 0)
    return begins, ends, log, kinds.astype(np.uint8)


def _clean(ends: NDArray[np.int64], kinds: NDArray[np.uint8]) -> NDArray[np.int64]:
    waiting = np.zeros(len(ends), np.bool_)
    for stream in (0, _STDERR):
        of_stream = np.flatnonzero((kinds & _STDERR) == stream)
        latest = np.searchsorted(of_stream, np.arange(len(ends)), side="right") - 1
        partial = (kinds[of_stream] & _PARTIAL) != 0
        if len(of_stream):
            waiting |= (latest >= 0) & partial[np.maximum(latest, 0)]
    return ends[~waiting]


def _joined(
    data: NDArray[np.uint8],
    bounds: tuple[NDArray[np.int64], NDArray[np.int64]],
    spans: Spans,
    checked: tuple[NDArray[np.bool_], NDArray[np.uint8], str],
) -> Unwrapped:
    good, kinds, damage = checked
    begins, ends = bounds
    rejected = reject_spans(data, begins[~good], ends[~good], damage)
    begins, ends, spans, kinds = begins[good], ends[good], spans.select(good), kinds[good]
    if not (kinds & _PARTIAL).any():
        text, starts = write_texts(data, spans)
        return Unwrapped(text, starts, begins, ends, rejected=rejected)
    groups = np.empty(len(kinds), np.int64)
    count = _groups(kinds, groups)
    order = np.argsort(groups, kind="stable")
    first = np.searchsorted(groups[order], np.arange(count + 1))
    goes_on = np.ones(len(order), np.bool_)
    goes_on[first[1:] - 1] = False
    text, starts = write_texts(data, spans.select(order), goes_on)
    return Unwrapped(text, starts[first[:-1]], begins[order], ends[order], first_part=first, rejected=rejected)
