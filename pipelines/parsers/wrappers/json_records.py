"""Records of shippers and log stores: JSON objects that hold a line, or are it, and say who wrote it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.parsers.lines import as_mask, slices
from pipelines.parsers.wrappers.json_kernels import ABSENT, OBJECT, PLAIN
from pipelines.parsers.wrappers.json_spans import Spans, elements, members, sequence
from pipelines.parsers.wrappers.texts import write_texts
from pipelines.parsers.wrappers.unwrapped import Identity, Unwrapped, line_bounds, names, reject_spans

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DAMAGE: Final = "not a whole JSON object, as every record of this shipper is"
#: CloudWatch names a stream after the kubelet's link to the log: ...containers.POD_NAMESPACE_CONTAINER-ID.log
_LOG_STREAM: Final = (
    rb"\A(?:[ -~]*(?:/|containers\.))?(?P<pod>[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?)"
    rb"_(?P<namespace>[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)_"
    rb"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?-[0-9a-f]{64}\.log\z"
)


@dataclass(frozen=True, slots=True)
class Fields:
    """Where a shipper puts things: keys of the line, the first that is there counts, and of names (one level deep).

    A record without any of the lines' keys is itself the line: a shipper that understood the JSON of the line.
    """

    line: tuple[bytes, ...]
    inside: bytes | None
    namespace: tuple[bytes, ...]
    pod: tuple[bytes, ...]
    log_stream: bytes | None = None


_LABELS: Final = ((b"namespace", b"k8s_namespace_name", b"namespace_name"), (b"pod", b"k8s_pod_name", b"pod_name"))

FIELDS: Final[dict[str, Fields]] = {
    "fluent_bit": Fields((b"log", b"message", b"MESSAGE"), b"kubernetes", (b"namespace_name",), (b"pod_name",)),
    "vector": Fields((b"message",), b"kubernetes", (b"pod_namespace",), (b"pod_name",)),
    "stern": Fields((b"message",), None, (b"namespace",), (b"podName",)),
    "loki": Fields((b"line",), b"labels", *_LABELS),
    "grafana": Fields((b"line",), b"fields", *_LABELS),
    "sls": Fields(
        (b"content", b"message", b"log"),
        None,
        (b"__tag__:_namespace_", b"_namespace_", b"__tag__:__namespace__", b"namespace"),
        (b"__tag__:_pod_name_", b"_pod_name_", b"__tag__:__pod_name__", b"pod_name"),
    ),
    "cloudwatch": Fields((b"message", b"@message"), None, (), (), b"logStreamName"),
}


def unwrap_lines(data: NDArray[np.uint8], fields: Fields) -> Unwrapped:
    """The lines in a file with one object a line."""
    begins, ends = line_bounds(data)
    return _unwrap(data, begins, ends, fields)


def unwrap_document(data: NDArray[np.uint8], fields: Fields, holder: bytes | None = None) -> Unwrapped:
    """The lines in arrays of objects, or in the array `holder` of each of several objects."""
    values, damage = sequence(data)
    parent_stream: Identity | None = None
    if holder is not None:
        (held, stream), _ = members(data, values.begins, values.ends, [holder, b"logStream"])
        parent_stream = _of_log_stream(data, stream)
        values = Spans(held.begins, held.ends, held.kinds)
    items, parents, broken = elements(data, values.begins, values.ends)
    known = None if parent_stream is None else parent_stream.take(parents)
    unwrapped = _unwrap(data, items.begins, items.ends, fields, known)
    torn = [int(at) for at in broken if at >= 0] + ([damage] if damage >= 0 else [])
    return replace(unwrapped, rejected=_with_torn(data, unwrapped.rejected, torn))


def unwrap_streams(data: NDArray[np.uint8]) -> Unwrapped:
    """The lines of Loki's `query_range` answer, or of a push: streams with labels, and in each [time, line] pairs."""
    values, damage = sequence(data)
    (answers, pushed), _ = members(data, values.begins, values.ends, [b"data", b"streams"])
    (results,), _ = members(data, answers.begins, answers.ends, [b"result"])
    results = results.or_else(pushed).or_else(values)
    streams, _, broken = elements(data, results.begins, results.ends)
    (labels, pairs), good = members(data, streams.begins, streams.ends, [b"stream", b"values"])
    found, stream_of, torn_pairs = elements(data, pairs.begins, pairs.ends)
    both, pair_of, _ = elements(data, found.begins, found.ends)
    # The line is the second of each pair; a third holds structured metadata.
    first = np.searchsorted(pair_of, np.arange(len(found.begins)))
    counts = np.searchsorted(pair_of, np.arange(len(found.begins)), side="right") - first
    is_pair = counts >= 2
    lines = both.select(first[is_pair] + 1)
    readable = lines.is_text()
    bad = np.concatenate([np.flatnonzero(~is_pair), np.flatnonzero(is_pair)[~readable]])
    bad.sort()
    rejected = reject_spans(data, found.begins[bad], found.ends[bad], "not a [time, line] pair of Loki")
    kept = np.flatnonzero(is_pair)[readable]
    text, starts = write_texts(data, lines.select(readable))
    identity = _named(data, labels, _LABELS).take(stream_of[kept])
    unwrapped = Unwrapped(text, starts, found.begins[kept], found.ends[kept], identity, rejected=rejected)
    torn = [int(at) for at in (*broken, *torn_pairs[good]) if at >= 0] + ([damage] if damage >= 0 else [])
    return replace(unwrapped, rejected=_with_torn(data, rejected, torn))


def _unwrap(
    data: NDArray[np.uint8],
    begins: NDArray[np.int64],
    ends: NDArray[np.int64],
    fields: Fields,
    known: Identity | None = None,
) -> Unwrapped:
    outer = (fields.inside,) if fields.inside is not None else (*fields.namespace, *fields.pod)
    stream = () if fields.log_stream is None else (fields.log_stream, b"logStream", b"@logStream")
    found, good = members(data, begins, ends, [*fields.line, *outer, *stream])
    rejected = reject_spans(data, begins[~good], ends[~good], _DAMAGE)
    found = [spans.select(good) for spans in found]
    begins, ends = begins[good], ends[good]
    line = found[0]
    for other in found[1 : len(fields.line)]:
        line = line.or_else(other)
    # An object, and a record that holds no line, is a line of JSON itself.
    whole = Spans(begins, ends, np.full(len(begins), OBJECT, np.uint8))
    line = Spans(line.begins, line.ends, np.where(line.is_text() | (line.kinds == OBJECT), line.kinds, ABSENT))
    line = line.or_else(whole)
    rest = found[len(fields.line) :]
    if fields.inside is not None:
        identity = _named(data, rest[0], (fields.namespace, fields.pod))
    elif fields.log_stream is not None:
        identity = _of_log_stream(data, rest[0].or_else(rest[1]).or_else(rest[2]))
    else:
        identity = Identity(
            names(data, _first(rest[: len(fields.namespace)])), names(data, _first(rest[len(fields.namespace) :]))
        )
    if known is not None:
        identity = identity.or_else(known.take(np.flatnonzero(good)))
    text, starts = write_texts(data, line)
    return Unwrapped(text, starts, begins, ends, identity, rejected=rejected)


def _first(found: list[Spans]) -> Spans:
    value = found[0]
    for other in found[1:]:
        value = value.or_else(other)
    return value


def _named(data: NDArray[np.uint8], inside: Spans, keys: tuple[tuple[bytes, ...], tuple[bytes, ...]]) -> Identity:
    """Names from an object inside each record. Objects of one pod are the same bytes, so each is read once."""
    if not (inside.kinds == OBJECT).any():
        nothing = pa.nulls(len(inside.kinds), pa.string())
        return Identity(nothing, nothing)
    present = inside.kinds == OBJECT
    if (np.diff(inside.begins[present]) > 0).all():
        chosen = np.flatnonzero(present)
        objects = slices(pa.py_buffer(data), inside.begins[chosen], inside.ends[chosen]).dictionary_encode()
        distinct = objects.dictionary
        bounds = np.frombuffer(distinct.buffers()[1], np.int32)[: len(distinct) + 1].astype(np.int64)
        bytes_ = np.frombuffer(distinct.buffers()[2], np.uint8)
        found, _ = members(bytes_, bounds[:-1], bounds[1:], [*keys[0], *keys[1]])
        place = np.zeros(len(present), np.int64)
        place[chosen] = objects.indices.to_numpy()
        indices = pa.array(place, mask=~present)
        namespace = names(bytes_, _first(found[: len(keys[0])])).take(indices)
        return Identity(namespace, names(bytes_, _first(found[len(keys[0]) :])).take(indices))
    found, _ = members(data, inside.begins, inside.ends, [*keys[0], *keys[1]])
    return Identity(names(data, _first(found[: len(keys[0])])), names(data, _first(found[len(keys[0]) :])))


def _of_log_stream(data: NDArray[np.uint8], streams: Spans) -> Identity:
    known = streams.kinds == PLAIN
    chosen = np.flatnonzero(known)
    if not len(chosen):
        nothing = pa.nulls(len(known), pa.string())
        return Identity(nothing, nothing)
    texts = slices(pa.py_buffer(data), streams.begins[chosen], streams.ends[chosen]).dictionary_encode()
    readable = as_mask(pc.match_substring_regex(texts.dictionary, pattern=_LOG_STREAM.decode()))
    kept = pc.if_else(pa.array(readable), texts.dictionary, pa.scalar(None, pa.binary())).cast(pa.string())
    both = pc.extract_regex(kept, pattern=_LOG_STREAM.decode())
    place = np.zeros(len(known), np.int64)
    place[chosen] = texts.indices.to_numpy()
    indices = pa.array(place, mask=~known)
    return Identity(both.field("namespace").take(indices), both.field("pod").take(indices))


def _with_torn(data: NDArray[np.uint8], rejected: pa.Table, torn: list[int]) -> pa.Table:
    """One more reject where a document is damaged: all from the first damaged place on."""
    if not torn:
        return rejected
    at = np.array([min(torn)], np.int64)
    rest = reject_spans(
        data, at, np.array([len(data)], np.int64), "damaged JSON: nothing behind this place can be told apart"
    )
    return pa.concat_tables([rejected, rest])
