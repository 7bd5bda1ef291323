"""The compiled scan of OTLP trace requests: a request is taken whole or left to the parser of single spans.

Spans are rows of numbers: where their texts and ids are, and where their attributes end among all attributes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipelines.parsers.scan.attributes import begin_record, read_attribute
from pipelines.parsers.scan.compiled import compiled
from pipelines.parsers.scan.memory import address, put_word, word
from pipelines.parsers.scan.wire import REFUSED, is_valid, is_zero, length, skip, tag, text, varint

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Numbers = NDArray[np.int64]

#: The least bytes of a span: two ids and two times.
SMALLEST: Final = 46
#: Columns of spans: places of ids and texts are -1 where there are none.
(
    OFFSET, RESOURCE, TRACE, SPAN, PARENT, NAME, NAME_END, KIND, START_NS, END_NS, STATUS, STATUS_END, CODE, ITEMS_END,
) = range(14)  # fmt: skip
WIDTH: Final = 14
#: Columns of resources.
RESOURCE_ITEMS_END, RESOURCE_BYTES = 0, 1
#: What is counted: spans, resources, attributes of either; and limits: how long a span or resource may be, how many
#: keys fill columns, how many resources there is room for.
ROWS, RESOURCES, ITEMS, SHARED, LONGEST, KNOWN, MOST_RESOURCES = range(7)
_TRACE_BYTES, _SPAN_BYTES = 16, 8
#: Tags: a field's number times 8, and its wire type.
_FIRST, _SECOND, _THIRD, _OBSOLETE = 10, 18, 26, 8002
_TRACE_ID, _SPAN_ID, _STATE, _PARENT_ID, _NAMED = 10, 18, 26, 34, 42
_KIND_TAG, _START, _END, _ATTRIBUTE, _EVENT, _LINK, _STATUS = 48, 57, 65, 74, 90, 106, 122
_MESSAGE, _CODE_TAG = 18, 24
_CLOCK_STEP: Final = 1_000_000_000
#: Longer than this, nanoseconds are no longer exact as a floating-point number.
_TOO_LONG: Final = 1 << 53
_MOST_ENUM: Final = (1 << 31) - 1


@compiled
def _status(data: int, at: int, end: int, row: int) -> bool:
    """A span's Status; a later one adds to an earlier one. Returns whether it is taken."""
    while at < end:
        field, at = tag(data, at, end)
        if at < 0:
            return False
        if field == _MESSAGE:
            start, at = text(data, at, end)
            put_word(row, STATUS, start)
            put_word(row, STATUS_END, at)
        elif field == _CODE_TAG:
            code, at = varint(data, at, end)
            if code < 0 or code > _MOST_ENUM:
                return False
            put_word(row, CODE, code)
        else:
            at = skip(data, at, end, field & 7)
        if at < 0:
            return False
    return True


@compiled
def _identifier(data: int, at: int, end: int, size: int) -> tuple[int, int]:
    """Where an id begins, -1 where it is empty or all zeros, and the position behind it."""
    start, stop = length(data, at, end)
    if stop < 0 or (stop != start and stop - start != size):
        return REFUSED, REFUSED
    return (REFUSED if stop == start or is_zero(data, start, stop) else start), stop


@compiled
def _span(  # noqa: C901  # a case for each field
    data: int,
    at: int,
    end: int,
    counts: int,
    key_text: int,
    keys: int,
    values: int,
    items: int,
    row: int,
    found: int,
    holds: int,
    most: int,
    event: int,
    link: int,
) -> bool:
    """Read the span between two positions; returns whether it is taken."""
    known = word(counts, KNOWN)
    for key in range(known):
        put_word(found, key, REFUSED)
    for column in range(TRACE, WIDTH):
        put_word(row, column, REFUSED)
    put_word(row, CODE, 0)
    put_word(row, KIND, 0)
    started = ended = place = 0
    item = word(counts, ITEMS)
    begin_record(keys)
    while at < end:
        field, at = tag(data, at, end)
        if at < 0:
            return False
        if field == _ATTRIBUTE:
            start, at = length(data, at, end)
            if at < 0:
                return False
            key = read_attribute(data, start, at, key_text, keys, values, items, item, place)
            if key < 0:
                return False
            if key < known:
                put_word(found, key, item)
            place += 1
            item += 1
        elif field == _TRACE_ID:
            start, at = _identifier(data, at, end, _TRACE_BYTES)
            put_word(row, TRACE, start)
        elif field == _SPAN_ID:
            start, at = _identifier(data, at, end, _SPAN_BYTES)
            put_word(row, SPAN, start)
        elif field == _PARENT_ID:
            start, at = _identifier(data, at, end, _SPAN_BYTES)
            put_word(row, PARENT, start)
        elif field == _NAMED:
            start, at = text(data, at, end)
            put_word(row, NAME, start)
            put_word(row, NAME_END, at)
        elif field == _KIND_TAG:
            kind, at = varint(data, at, end)
            if kind < 0 or kind > _MOST_ENUM:
                return False
            put_word(row, KIND, kind)
        elif field == _START or field == _END:  # noqa: SIM109  # a set would be made each time
            if at + 8 > end:
                return False
            if field == _START:
                started = word(data + at, 0)
            else:
                ended = word(data + at, 0)
            at += 8
        elif field == _STATUS:
            start, at = length(data, at, end)
            if at < 0 or not _status(data, start, at, row):
                return False
        elif field == _EVENT or field == _LINK:  # noqa: SIM109  # as above
            start, at = length(data, at, end)
            if at < 0 or not is_valid(data, start, at, event if field == _EVENT else link, holds, most):
                return False
        elif field == _STATE:
            _, at = text(data, at, end)
        else:
            at = skip(data, at, end, field & 7)
        if at < 0:
            return False
    if word(row, TRACE) < 0 or word(row, SPAN) < 0 or started <= 0 or ended <= 0:
        return False
    if started - ended > _CLOCK_STEP or ended - started >= _TOO_LONG:
        return False
    put_word(row, START_NS, started)
    put_word(row, END_NS, ended)
    put_word(row, ITEMS_END, item)
    put_word(counts, ITEMS, item)
    return True


@compiled
def read_resource(
    data: int,
    at: int,
    end: int,
    counts: int,
    key_text: int,
    keys: int,
    values: int,
    items: int,
    found: int,
    holds: int,
    most: int,
    entity: int,
) -> bool:
    """Read a Resource's attributes; returns whether it is taken."""
    known = word(counts, KNOWN)
    place = 32
    item = word(counts, SHARED)
    begin_record(keys)
    while at < end:
        field, at = tag(data, at, end)
        if at < 0:
            return False
        if field == _FIRST:
            start, at = length(data, at, end)
            if at < 0:
                return False
            key = read_attribute(data, start, at, key_text, keys, values, items, item, place)
            if key < 0:
                return False
            if key < known:
                put_word(found, key, item)
            place += 1
            item += 1
        elif field == _THIRD:
            start, at = length(data, at, end)
            if at < 0 or not is_valid(data, start, at, entity, holds, most):
                return False
        else:
            at = skip(data, at, end, field & 7)
            if at < 0:
                return False
    put_word(counts, SHARED, item)
    return True


@compiled
def _scope(
    data: int,
    at: int,
    end: int,
    counts: int,
    key_text: int,
    keys: int,
    values: int,
    items: int,
    rows: int,
    found: int,
    holds: int,
    most: int,
    event: int,
    link: int,
) -> bool:
    """Read a ScopeSpans; returns whether it is taken."""
    while at < end:
        field, at = tag(data, at, end)
        if at < 0:
            return False
        if field == _SECOND:
            start, at = length(data, at, end)
            if at < 0 or at - start > word(counts, LONGEST):
                return False
            number = word(counts, ROWS)
            row = rows + 8 * WIDTH * number
            places = found + 8 * word(counts, KNOWN) * number
            put_word(row, RESOURCE, word(counts, RESOURCES))
            if not _span(data, start, at, counts, key_text, keys, values, items, row, places, holds, most, event, link):
                return False
            put_word(counts, ROWS, number + 1)
        else:
            at = skip(data, at, end, field & 7)
            if at < 0:
                return False
    return True


@compiled
def _block(  # noqa: C901  # a case for each field
    data: int,
    at: int,
    end: int,
    counts: int,
    key_text: int,
    keys: int,
    values: int,
    items: int,
    rows: int,
    found: int,
    shared_values: int,
    shared: int,
    resources: int,
    shared_found: int,
    holds: int,
    most: int,
    event: int,
    link: int,
    entity: int,
) -> bool:
    """Read a ResourceSpans; returns whether it is taken."""
    number = word(counts, RESOURCES)
    if number == word(counts, MOST_RESOURCES):
        return False
    known = word(counts, KNOWN)
    places = shared_found + 8 * known * number
    for key in range(known):
        put_word(places, key, REFUSED)
    size = REFUSED
    while at < end:
        field, at = tag(data, at, end)
        if at < 0:
            return False
        if field == _FIRST:
            start, at = length(data, at, end)
            if at < 0 or size >= 0 or at - start > word(counts, LONGEST):
                return False
            size = at - start
            if not read_resource(
                data, start, at, counts, key_text, keys, shared_values, shared, places, holds, most, entity
            ):
                return False
        elif field == _SECOND:
            start, at = length(data, at, end)
            if at < 0 or not _scope(
                data, start, at, counts, key_text, keys, values, items, rows, found, holds, most, event, link
            ):
                return False
        elif field == _OBSOLETE:
            return False
        else:
            at = skip(data, at, end, field & 7)
            if at < 0:
                return False
    put_word(resources, 2 * number + RESOURCE_BYTES, max(size, 0))
    put_word(resources, 2 * number + RESOURCE_ITEMS_END, word(counts, SHARED))
    put_word(counts, RESOURCES, number + 1)
    return True


@compiled
def scan_trace_requests(
    data: Bytes,
    bounds: Numbers,
    taken: Bytes,
    counts: Numbers,
    key_text: Bytes,
    keys: Numbers,
    values: Bytes,
    items: Numbers,
    rows: Numbers,
    found: Numbers,
    shared_values: Bytes,
    shared: Numbers,
    resources: Numbers,
    shared_found: Numbers,
    holds: Numbers,
    event: int,
    link: int,
    entity: int,
) -> None:
    """Read requests, of which nothing is kept but where they are taken whole.

    Args:
        data: padded.
        bounds: a row for each request: its start, its end, and the offset of its spans.
        taken: gets 1 for each request that is taken.
        counts: where writing goes on, and limits.
        key_text: with `keys`, the keys that are known.
        keys: as above.
        values: with `items`, attributes of spans.
        items: as above.
        rows: spans.
        found: the items that hold keys of columns, by span.
        shared_values: with `shared`, attributes of resources.
        shared: as above.
        resources: what is known of resources.
        shared_found: as `found`, by resource.
        holds: the shapes of messages that are only validated.
        event: the kind of such a message, an Event.
        link: a Link.
        entity: an EntityRef.
    """
    base = address(data)
    for number in range(len(bounds)):
        at, end, offset = bounds[number, 0], bounds[number, 1], bounds[number, 2]
        spans, blocks, own, others = counts[ROWS], counts[RESOURCES], counts[ITEMS], counts[SHARED]
        good = True
        while good and at < end:
            field, at = tag(base, at, end)
            if at < 0:
                good = False
            elif field == _FIRST:
                start, at = length(base, at, end)
                # A block without a byte is none.
                good = at == start or (
                    at > start
                    and _block(
                        base, start, at, address(counts), address(key_text), address(keys), address(values),
                        address(items), address(rows), address(found), address(shared_values), address(shared),
                        address(resources), address(shared_found), address(holds), holds.shape[1], event, link, entity,
                    )
                )  # fmt: skip
            else:
                at = skip(base, at, end, field & 7)
                good = at >= 0
        taken[number] = good
        if not good:
            counts[ROWS], counts[RESOURCES], counts[ITEMS], counts[SHARED] = spans, blocks, own, others
        for row in range(spans, counts[ROWS]):
            rows[row, OFFSET] = offset
