"""Envoy's `/clusters`, as JSON (`?format=json`) or as text: every upstream cluster, and every host of one.

A record is a cluster (`upstream_cluster`: circuit breakers, outlier detection) or one of its hosts
(`upstream_endpoint`: health, counters, weight); `name` is the cluster's. The text form is turned into the fields of the
JSON form, so that nobody has to know both. A text line that says nothing known is a reject.
https://www.envoyproxy.io/docs/envoy/latest/operations/admin#get--clusters
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pipelines.parsers.context import DEFAULT, Context
from pipelines.parsers.envoy_clusters_text import read_cluster_lines
from pipelines.parsers.json_pieces import JSON_ERRORS, entries_of, fields_of, offset_within, text_of
from pipelines.parsers.proxy_rows import ProxyRows, Thing

if TYPE_CHECKING:
    from pipelines.parsers.result import Parsed

CLUSTER = "upstream_cluster"
HOST = "upstream_endpoint"


def parse_clusters(document: bytes, base_offset: int, context: Context = DEFAULT) -> Parsed:
    """Read one answer. `context.observed_us` is when it was given."""
    rows = ProxyRows(context.observed_us)
    if document.lstrip()[:1] == b"{":
        _read_json(document, base_offset, rows)
    else:
        _read_text(document, base_offset, rows)
    return rows.parsed()


def _read_json(document: bytes, base_offset: int, rows: ProxyRows) -> None:
    try:
        clusters = entries_of(fields_of(document).get("cluster_statuses"))
    except JSON_ERRORS as error:
        rows.reject(base_offset, error, document)
        return
    for cluster in clusters:
        offset = base_offset + offset_within(cluster, document)
        try:
            fields = fields_of(cluster)
            name = text_of(fields.get("name"))
            hosts = entries_of(fields.pop("host_statuses", None))
            rows.add(offset, Thing(CLUSTER, name, None, msgspec.json.encode(fields), len(bytes(cluster))))
        except JSON_ERRORS as error:
            rows.reject(offset, error, bytes(cluster))
            continue
        for host in hosts:
            try:
                rows.add(base_offset + offset_within(host, document), Thing(HOST, name, None, host, len(bytes(host))))
            except JSON_ERRORS as error:
                rows.reject(base_offset + offset_within(host, document), error, bytes(host))


def _read_text(document: bytes, base_offset: int, rows: ProxyRows) -> None:
    clusters, bad = read_cluster_lines(document)
    for line in bad:
        rows.reject(base_offset + line.offset, line.reason, line.raw)
    for cluster in clusters:
        piece = msgspec.json.encode(cluster.fields)
        rows.add(base_offset + cluster.offset, Thing(CLUSTER, cluster.name, None, piece, cluster.size_bytes))
        for host in cluster.hosts.values():
            piece = msgspec.json.encode(host.fields)
            rows.add(base_offset + host.offset, Thing(HOST, cluster.name, None, piece, host.size_bytes))
