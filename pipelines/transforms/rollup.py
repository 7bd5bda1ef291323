"""Access-log rows to minute rollups (`EDGES_1M`), and rollups of parts to rollups of the whole. Pure Arrow and numpy.

Rows with equal keys become one: counts and sums add up, latency histograms merge. Doing so to parts and then to the
results gives the same as doing it at once, so that workers send on small tables only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.columns import TIMESTAMP
from pipelines.histogram import bucket_index
from pipelines.parsers.lines import as_mask
from pipelines.schemas import EDGES_1M_KEYS, EDGES_1M_VALUES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

_MINUTE_US: Final = 60_000_000
_SUMS: Final = ("calls", "bytes_received", "bytes_sent", "duration_ms_sum")
_BUCKETS: Final = 1 << 12  # more than bucket_index of the largest int64
_CODE_LIMIT: Final = 1 << 62
#: No response, the hundreds of its code, and no code at all.
_CODE_CLASSES: Final = ("0", *(f"{hundred}xx" for hundred in range(1, 10)), "none")
_NO_CODE: Final = len(_CODE_CLASSES) - 1

#: Keys in EDGES_1M_KEYS, values in EDGES_1M_VALUES; `date` is added when the table is written.
ROLLUP_SCHEMA: Final = pa.schema([*EDGES_1M_KEYS, *EDGES_1M_VALUES])


@dataclass(frozen=True, slots=True)
class _Histograms:
    """Sparse histograms of rows: each entry says that `row` has `count` in `bucket`."""

    row: NDArray[np.int64]
    bucket: NDArray[np.int32]
    count: NDArray[np.int64]


def roll_up(lines: pa.Table) -> pa.Table:
    """Roll up access-log lines.

    Args:
        lines: columns of `ACCESS_LOGS` (`date` is not needed).

    Returns:
        A table of `ROLLUP_SCHEMA`, keys unique, in order of first occurrence.
    """
    if not lines.num_rows:
        return ROLLUP_SCHEMA.empty_table()
    durations = lines["duration_ms"]
    known = np.flatnonzero(durations.is_valid().to_numpy())
    duration = pc.fill_null(durations, 0).to_numpy()
    histograms = _Histograms(known, bucket_index(duration[known]), np.ones(len(known), np.int64))
    sums = {
        "calls": np.ones(lines.num_rows, np.int64),
        "bytes_received": pc.fill_null(lines["bytes_received"], 0).to_numpy(),
        "bytes_sent": pc.fill_null(lines["bytes_sent"], 0).to_numpy(),
        "duration_ms_sum": duration,
    }
    return _aggregate(_keys_of(lines), sums, histograms)


def merge(parts: pa.Table) -> pa.Table:
    """Merge rollups (`ROLLUP_SCHEMA`, keys in any number) into one row a key."""
    if not parts.num_rows:
        return ROLLUP_SCHEMA.empty_table()
    parts = parts.combine_chunks()
    buckets = parts["latency_bucket"].combine_chunks()
    counts = parts["latency_count"].combine_chunks()
    histograms = _Histograms(
        pc.list_parent_indices(buckets).to_numpy(), buckets.flatten().to_numpy(), counts.flatten().to_numpy()
    )
    sums = {name: parts[name].to_numpy() for name in _SUMS}
    return _aggregate(parts.select(EDGES_1M_KEYS.names), sums, histograms)


def table_bytes(table: pa.Table) -> bytes:
    """A rollup as a compressed Arrow IPC stream: what crosses a shuffle."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_table(table)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def bytes_table(data: bytes) -> pa.Table:
    """The rollup that `table_bytes` gave."""
    return pa.ipc.open_stream(data).read_all()


def _keys_of(lines: pa.Table) -> pa.Table:
    """`EDGES_1M_KEYS` of each line; those of text have dictionaries, for most texts occur in many lines."""
    cluster, server_name = _Texts.of(lines["upstream_cluster"]), _Texts.of(lines["requested_server_name"])
    is_outbound = cluster.which(_leads_out)
    by_peer = server_name.which(lambda names: pc.starts_with(names, "outbound_."))
    is_inbound = cluster.which(_leads_in) | (cluster.is_null() & by_peer)
    # `outbound|9080|v2|reviews.default.svc.cluster.local` says where to; `inbound|9080||` and Passthrough do not.
    is_named = cluster.which(lambda names: pc.match_substring_regex(names, r"^outbound\|[^|]*\|[^|]*\|."))
    is_http = (
        as_mask(pc.is_valid(lines["method"]))
        | as_mask(pc.is_valid(lines["protocol"]))
        | as_mask(pc.greater(lines["response_code"], 0))
    )
    # A server name that the peer's sidecar made up names the service; the authority would only add rows.
    authority = _Texts.of(lines["authority"]).without(is_named | by_peer)
    columns = {
        "minute": _minute(lines["start_time"]),
        "source": lines["source"],
        "reporter_namespace": lines["reporter_namespace"],
        "reporter_pod": lines["reporter_pod"],
        "reporter": _named(("unknown", "destination", "source"), np.where(is_outbound, 2, is_inbound)),
        "upstream_cluster": cluster.array(),
        "authority": authority.array(),
        "requested_server_name": server_name.without(is_named).array(),
        "peer_address": _peers(lines, is_outbound, is_named),
        "protocol": _named(("tcp", "http"), is_http),
        "code_class": _named(_CODE_CLASSES, np.where(is_http, _code_class(lines["response_code"]), _NO_CODE)),
        "response_flags": lines["response_flags"],
    }
    return pa.table([columns[name] for name in EDGES_1M_KEYS.names], names=EDGES_1M_KEYS.names)


class _Texts:
    """A column of text as distinct texts and their numbers; that of a null is one more than the last."""

    def __init__(self, distinct: pa.Array, codes: NDArray[np.int32]) -> None:
        self._distinct = distinct
        self._codes = codes

    @staticmethod
    def of(column: pa.ChunkedArray) -> _Texts:
        """A column's."""
        encoded = _encoded(column)
        return _Texts(encoded.dictionary, encoded.indices.fill_null(len(encoded.dictionary)).to_numpy())

    def which(self, test: Callable[[pa.Array], pa.Array]) -> NDArray[np.bool_]:
        """The rows whose text passes a test; a null does not."""
        passed: NDArray[np.bool_] = np.append(as_mask(test(self._distinct)), False)[self._codes]
        return passed

    def is_null(self) -> NDArray[np.bool_]:
        """The rows that have no text."""
        null: NDArray[np.bool_] = self._codes == len(self._distinct)
        return null

    def without(self, hidden: NDArray[np.bool_]) -> _Texts:
        """The same with nulls where `hidden`."""
        return _Texts(self._distinct, np.where(hidden, len(self._distinct), self._codes))

    def array(self) -> pa.DictionaryArray:
        """Its Arrow form."""
        return pa.DictionaryArray.from_arrays(pa.array(self._codes, mask=self.is_null()), self._distinct)


def _encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    if pa.types.is_dictionary(column.type):
        return column.unify_dictionaries().combine_chunks()
    return column.combine_chunks().dictionary_encode()


def _named(names: Sequence[str], numbers: NDArray[np.bool_] | NDArray[np.int64]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(numbers.astype(np.int8)), pa.array(names))


def _minute(times: pa.ChunkedArray) -> pa.Array:
    values = times.cast(pa.int64()).to_numpy()
    return pa.array(values - values % _MINUTE_US, pa.int64()).cast(TIMESTAMP)


def _leads_out(clusters: pa.Array) -> pa.Array:
    # Some formats leave a `;` at the end.
    bare = pc.utf8_rtrim(clusters, characters=";")
    to_none = pc.is_in(bare, pa.array(["PassthroughCluster", "BlackHoleCluster"]))
    return pc.or_(pc.starts_with(clusters, "outbound|"), to_none)


def _leads_in(clusters: pa.Array) -> pa.Array:
    return pc.or_(pc.starts_with(clusters, "inbound|"), pc.starts_with(clusters, "InboundPassthrough"))


def _peers(lines: pa.Table, is_outbound: NDArray[np.bool_], is_named: NDArray[np.bool_]) -> pa.Array:
    """The address of the other side, where the cluster does not name it."""
    upstream, downstream = lines["upstream_host"], lines["downstream_remote_address"]
    calls_out, called = np.flatnonzero(is_outbound & ~is_named), np.flatnonzero(~is_outbound)
    found = pa.concat_arrays(
        [_ip(upstream.take(pa.array(calls_out))), _ip(downstream.take(pa.array(called))), pa.nulls(1, pa.string())]
    )
    place = np.full(lines.num_rows, len(found) - 1)
    place[np.concatenate([calls_out, called])] = np.arange(len(found) - 1)
    return found.take(pa.array(place))


def _code_class(codes: pa.ChunkedArray) -> NDArray[np.int32]:
    """The place of each code's class in `_CODE_CLASSES`."""
    hundreds: NDArray[np.int32] = pc.fill_null(codes, 0).to_numpy() // 100
    return np.where((hundreds > 0) & (hundreds < _NO_CODE), hundreds, 0)


def _ip(addresses: pa.ChunkedArray) -> pa.Array:
    """The address part of `address:port` and `[address]:port`; null for names and sockets (sql/macros/address_ip)."""
    encoded = _encoded(addresses)
    distinct = encoded.dictionary
    is_address = pc.match_substring_regex(distinct, r"^(?:[0-9.]+:[0-9]+|\[[0-9a-fA-F:.%]+\](?::[0-9]+)?)$")
    without_port = pc.replace_substring_regex(distinct, r":[0-9]+$", "")
    address = pc.if_else(is_address, pc.utf8_trim(without_port, characters="[]"), pa.scalar(None, pa.string()))
    return address.take(encoded.indices)


def _aggregate(keys: pa.Table, sums: dict[str, NDArray[np.int64]], histograms: _Histograms) -> pa.Table:
    codes = _codes(keys)
    _, first, group = np.unique(codes, return_index=True, return_inverse=True)
    # Groups in order of first occurrence.
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    group = rank[group]
    first = np.sort(first)
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(len(first)))
    columns = [
        column.take(pa.array(first)).cast(field.type) for column, field in zip(keys.columns, EDGES_1M_KEYS, strict=True)
    ]
    columns += [pa.array(np.add.reduceat(sums[name][order], starts)) for name in _SUMS]
    columns += _merged_histograms(histograms, group, len(first))
    return pa.table(columns, schema=ROLLUP_SCHEMA)


def _merged_histograms(histograms: _Histograms, group: NDArray[np.int64], groups: int) -> list[pa.Array]:
    cell = group[histograms.row] * _BUCKETS + histograms.bucket
    order = np.argsort(cell, kind="stable")
    cells, starts = np.unique(cell[order], return_index=True)
    counts = np.add.reduceat(histograms.count[order], starts) if len(starts) else np.empty(0, np.int64)
    offsets = pa.array(np.searchsorted(cells // _BUCKETS, np.arange(groups + 1)), pa.int32())
    buckets = pa.array((cells % _BUCKETS).astype(np.int32))
    return [pa.ListArray.from_arrays(offsets, buckets), pa.ListArray.from_arrays(offsets, pa.array(counts))]


def _codes(keys: pa.Table) -> NDArray[np.int64]:
    """One number a row, equal where all keys are."""
    codes = np.zeros(keys.num_rows, np.int64)
    size = 1
    for column in keys.columns:
        encoded = _encoded(column)
        values = len(encoded.dictionary) + 1
        if size * values > _CODE_LIMIT:
            distinct, codes = np.unique(codes, return_inverse=True)
            size = len(distinct)
        codes = codes * values + encoded.indices.fill_null(values - 1).to_numpy()
        size *= values
    return codes
