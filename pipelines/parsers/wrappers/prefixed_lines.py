"""Lines with a prefix of plain words: `kubectl logs --prefix --timestamps`, stern, an export of times and messages.

[pod/cart-5f8d7c9b4-x2x9k/istio-proxy] 2026-01-01T12:00:00.000000000Z the line
cart-5f8d7c9b4-x2x9k istio-proxy the line
shop cart-5f8d7c9b4-x2x9k istio-proxy the line
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipelines.parsers.scan.compiled import compiled
from pipelines.parsers.wrappers.json_kernels import ABSENT, PLAIN
from pipelines.parsers.wrappers.json_spans import Spans
from pipelines.parsers.wrappers.texts import write_texts
from pipelines.parsers.wrappers.unwrapped import Identity, Unwrapped, line_bounds, names, reject_spans

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STERN_DAMAGE = "not a line of stern: no names of a pod and a container before the text"


@compiled
def _behind_time(data: NDArray[np.uint8], at: int, end: int) -> int:
    """Behind a time such as 2026-01-01T12:00:00.000000000Z and a space; `at` where there is none."""
    i = at + 20
    if i >= end or data[at + 4] != 45 or data[at + 10] != 84 or data[at + 13] != 58 or data[at + 16] != 58:
        return at
    for j in range(4):
        if not 48 <= data[at + j] <= 57:
            return at
    last = min(end, at + 36)
    while i < last and data[i] != 32:
        if data[i] == 9:
            return at
        i += 1
    return i + 1 if i < last else at


@compiled
def _kubectl(
    data: NDArray[np.uint8],
    begins: NDArray[np.int64],
    ends: NDArray[np.int64],
    found: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
) -> None:
    texts, pods, pod_ends = found
    for row in range(len(begins)):
        at, end = begins[row], ends[row]
        if at + 5 < end and data[at] == 91 and data[at + 1] == 112 and data[at + 2] == 111 and data[at + 3] == 100:
            i = at + 5
            while i < end and data[i] != 47 and data[i] != 32:
                i += 1
            name_end = i
            while i < end and data[i] != 93 and data[i] != 32:
                i += 1
            if data[at + 4] == 47 and i < end and data[i] == 93:
                pods[row], pod_ends[row] = at + 5, name_end
                at = min(i + 2, end)
        texts[row] = _behind_time(data, at, end)


@compiled
def _words(
    data: NDArray[np.uint8],
    begins: NDArray[np.int64],
    ends: NDArray[np.int64],
    spaces: NDArray[np.int64],
) -> None:
    """Where the first words of each line end, as many as `spaces` has rows; -1 where there are fewer."""
    count = len(spaces)
    for row in range(len(begins)):
        i = begins[row]
        for word in range(count):
            start = i
            while i < ends[row] and data[i] != 32:
                c = data[i]
                if not (97 <= c <= 122 or 48 <= c <= 57 or c in (45, 46)):
                    break
                i += 1
            if i == start or i >= ends[row] or data[i] != 32:
                spaces[:, row] = -1
                break
            spaces[word, row] = i
            i += 1


def unwrap_kubectl(data: NDArray[np.uint8]) -> Unwrapped:
    """The lines behind `[pod/NAME/CONTAINER]` and a time; either may be missing. The namespace is not said."""
    begins, ends = line_bounds(data)
    texts, pods, pod_ends = np.empty_like(begins), np.zeros_like(begins), np.zeros_like(begins)
    _kubectl(data, begins, ends, (texts, pods, pod_ends))
    text, starts = write_texts(data, Spans(texts, ends, np.full(len(ends), PLAIN, np.uint8)))
    kinds = np.where(pod_ends > 0, PLAIN, ABSENT).astype(np.uint8)
    identity = Identity(pod=names(data, Spans(pods, pod_ends, kinds)))
    return Unwrapped(text, starts, begins, ends, identity)


def unwrap_stern(data: NDArray[np.uint8], words: int) -> Unwrapped:
    """The lines behind stern's `words` names: pod and container, or namespace, pod and container."""
    begins, ends = line_bounds(data)
    spaces = np.zeros((words, len(begins)), np.int64)
    _words(data, begins, ends, spaces)
    good = spaces[0] >= 0
    rejected = reject_spans(data, begins[~good], ends[~good], _STERN_DAMAGE)
    begins, ends, spaces = begins[good], ends[good], spaces[:, good]
    kinds = np.full(len(begins), PLAIN, np.uint8)
    bounds = [begins, *(spaces[word] + 1 for word in range(words - 1))]
    named = [names(data, Spans(bounds[word], spaces[word], kinds)) for word in range(words - 1)]
    namespace, pod = (None, named[0]) if len(named) == 1 else (named[0], named[1])
    text, starts = write_texts(data, Spans(spaces[-1] + 1, ends, kinds))
    return Unwrapped(text, starts, begins, ends, Identity(namespace, pod), rejected=rejected)
