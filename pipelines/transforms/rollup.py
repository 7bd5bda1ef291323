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
from pipelines.schemas import EDGES_1M_KEYS, EDGES_1M_VALUES

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MINUTE_US: Final = 60_000_000
_SUMS: Final = ("calls", "bytes_received", "bytes_sent", "duration_ms_sum")
_BUCKETS: Final = 1 << 12  # more than bucket_index of the largest int64
_CODE_LIMIT: Final = 1 << 62

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
    cluster = lines["upstream_cluster"]
    server_name = lines["requested_server_name"]
    is_outbound = _either(
        pc.starts_with(cluster, "outbound|"),
        pc.is_in(_bare(cluster), pa.array(["PassthroughCluster", "BlackHoleCluster"])),
    )
    by_peer = pc.fill_null(pc.starts_with(server_name, "outbound_."), False)
    is_inbound = _either(
        pc.starts_with(cluster, "inbound|"),
        pc.starts_with(cluster, "InboundPassthrough"),
        pc.and_(pc.is_null(cluster), by_peer),
    )
    # `outbound|9080|v2|reviews.default.svc.cluster.local` says where to; `inbound|9080||` and Passthrough do not.
    is_named = pc.fill_null(pc.match_substring_regex(cluster, r"^outbound\|[^|]*\|[^|]*\|."), False)
    is_http = _either(
        pc.is_valid(lines["method"]), pc.is_valid(lines["protocol"]), pc.greater(lines["response_code"], 0)
    )
    nothing = pa.scalar(None, pa.string())
    # A server name that the peer's sidecar made up names the service; the authority would only add rows.
    authority = pc.if_else(pc.or_(is_named, by_peer), nothing, lines["authority"])
    upstream = _ip(lines["upstream_host"])
    peer = pc.if_else(is_outbound, pc.if_else(is_named, nothing, upstream), _ip(lines["downstream_remote_address"]))
    columns = {
        "minute": _minute(lines["start_time"]),
        "source": lines["source"],
        "reporter_namespace": lines["reporter_namespace"],
        "reporter_pod": lines["reporter_pod"],
        "reporter": pc.if_else(is_outbound, "source", pc.if_else(is_inbound, "destination", "unknown")),
        "upstream_cluster": cluster,
        "authority": authority,
        "requested_server_name": pc.if_else(is_named, nothing, server_name),
        "peer_address": peer,
        "protocol": pc.if_else(is_http, "http", "tcp"),
        "code_class": pc.if_else(is_http, _code_class(lines["response_code"]), "none"),
        "response_flags": lines["response_flags"],
    }
    return pa.table([columns[name] for name in EDGES_1M_KEYS.names], schema=EDGES_1M_KEYS)


def _minute(times: pa.ChunkedArray) -> pa.Array:
    values = times.cast(pa.int64()).to_numpy()
    return pa.array(values - values % _MINUTE_US, pa.int64()).cast(TIMESTAMP)


def _bare(cluster: pa.ChunkedArray) -> pa.ChunkedArray:
    """Cluster names without the `;` that some formats leave at their end."""
    return pc.utf8_rtrim(cluster, characters=";")


def _either(*conditions: pa.ChunkedArray) -> pa.ChunkedArray:
    result = pc.fill_null(conditions[0], False)
    for condition in conditions[1:]:
        result = pc.or_(result, pc.fill_null(condition, False))
    return result


def _code_class(codes: pa.ChunkedArray) -> pa.ChunkedArray:
    """`2xx` and the like; `0` for no response."""
    hundreds = pc.divide(pc.fill_null(codes, 0), 100)
    names = pa.array(["0", *(f"{hundred}xx" for hundred in range(1, 10))])
    return names.take(pc.if_else(pc.and_(pc.greater(hundreds, 0), pc.less(hundreds, 10)), hundreds, 0))


def _ip(addresses: pa.ChunkedArray) -> pa.ChunkedArray:
    """The address part of `address:port` and `[address]:port`; null for names and sockets (sql/macros/address_ip)."""
    encoded = addresses.combine_chunks().dictionary_encode()
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
    columns = [column.take(pa.array(first)) for column in keys.columns]
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
        encoded = column.combine_chunks().dictionary_encode(null_encoding="encode")
        values = len(encoded.dictionary)
        if size * values > _CODE_LIMIT:
            distinct, codes = np.unique(codes, return_inverse=True)
            size = len(distinct)
        codes = codes * values + encoded.indices.to_numpy()
        size *= values
    return codes
