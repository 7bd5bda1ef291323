"""What a JSON document, or one object of a file of JSON lines, is."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Final

from pipelines.inputs.json_logs import is_access_log
from pipelines.inputs.recognition import Recognition, json_value

_WATCH_TYPES: Final = frozenset({"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"})
#: Top-level keys that settle what a JSON object is: a format, or the reason why it is not read.
_JSON_KEYS: Final = (
    ("resourceSpans", "otlp_traces_json", ""),
    ("resource_spans", "otlp_traces_json", ""),
    ("resourceLogs", "otlp_logs_json", ""),
    ("resource_logs", "otlp_logs_json", ""),
    ("resourceMetrics", "otlp_metrics_json", ""),
    ("cluster_statuses", "envoy_clusters", ""),
    ("clusterStatuses", "envoy_clusters", ""),
    ("configs", "envoy_config_dump", ""),
    ("hot_restart_version", "envoy_server_info", ""),
    ("hotRestartVersion", "envoy_server_info", ""),
    ("apiVersion", "kubernetes_json", ""),
)


_ZIPKIN_KEYS: Final = frozenset({"timestamp", "duration", "localEndpoint", "remoteEndpoint", "kind", "tags"})

#: The same for text of which only the beginning is at hand.
_BEGINNINGS: Final = (
    (re.compile(rb'\A\s*\{\s*"type"\s*:\s*"(?:ADDED|MODIFIED|DELETED)"'), Recognition("kubernetes_watch")),
    (re.compile(rb'"resultType"\s*:'), Recognition("prometheus_range")),
    (re.compile(rb'\A\s*\[\s*\{\s*"metric"\s*:'), Recognition("prometheus_range")),
    (re.compile(rb'\A\s*(?:\{\s*"data"\s*:\s*)?\[\s*\{\s*"traceID"\s*:'), Recognition("jaeger_json")),
    (re.compile(rb'\A\s*\{\s*"traceID"\s*:\s*"\w*"\s*,\s*"spans"\s*:'), Recognition("jaeger_json")),
    (re.compile(rb'\A\s*\[\s*(?:\[\s*)?\{[^{}]{0,400}"traceId"\s*:'), Recognition("zipkin_json")),
    *(
        (re.compile(rb'"' + key.encode() + rb'"\s*:'), Recognition(format_, reason))
        for key, format_, reason in _JSON_KEYS
    ),
)


def recognise_document(text: bytes, path: str, *, is_whole: bool) -> Recognition | None:
    """A JSON value that spreads over lines or past the sample; None where lines are to be looked at instead."""
    first = text.lstrip().split(b"\n", 1)[0]
    value = json_value(first)
    if value is None and is_whole:
        value = json_value(text)
    elif isinstance(value, dict) and len(first) < len(text.strip()):
        return None  # a whole object in the first line and more to come: lines
    if isinstance(value, dict):
        if PurePath(path).name.startswith("queries.json") and all(isinstance(query, str) for query in value.values()):
            return Recognition(None, "names the queries of the Prometheus answers beside it, and is used for that")
        return recognise_object(value)
    if isinstance(value, list):
        return _of_list(value)
    return _of_beginning(text)


def recognise_object(value: dict[str, object]) -> Recognition | None:
    """What a JSON object is, one of several on lines of their own or a whole document; None where it tells nothing."""
    if value.get("type") in _WATCH_TYPES and isinstance(value.get("object"), dict):
        return Recognition("kubernetes_watch")
    if is_access_log(value):
        return Recognition("istio_json")
    spans = _of_spans(value)
    if spans is not None:
        return spans
    for key, format_, reason in _JSON_KEYS:
        if key in value:
            return Recognition(format_, reason)
    if "status" in value and ("data" in value or "errorType" in value):
        return Recognition("prometheus_range")
    if "resultType" in value and "result" in value:
        return Recognition("prometheus_range")
    return None


def _of_spans(value: dict[str, object]) -> Recognition | None:
    """Traces of Jaeger's API, or a span (or batch) of Jaeger's or Zipkin's, which are lines of a file."""
    data = value.get("data")
    first = data[0] if isinstance(data, list) and data else value
    if isinstance(first, dict) and isinstance(first.get("spans"), list) and "processes" in first:
        return Recognition("jaeger_json")
    if {"traceID", "spanID", "operationName"} <= value.keys() or {"process", "spans"} <= value.keys():
        return Recognition("jaeger_json_lines")
    if {"traceId", "id"} <= value.keys() and not _ZIPKIN_KEYS.isdisjoint(value.keys()):
        return Recognition("zipkin_json_lines")
    return None


def _of_list(value: list[object]) -> Recognition | None:
    first = value[0] if value else None
    if isinstance(first, list):
        first = first[0] if first else None
    if isinstance(first, dict):
        spans = _of_spans(first)
        if spans is not None and spans.format is not None:
            return Recognition(spans.format.removesuffix("_lines"))
    if isinstance(first, dict) and "metric" in first and ("values" in first or "value" in first):
        return Recognition("prometheus_range")
    if isinstance(first, dict) and "apiVersion" in first:
        return Recognition("kubernetes_json")
    return None


def _of_beginning(text: bytes) -> Recognition | None:
    """What a JSON text is of which only the beginning is at hand, or that is damaged: the first telling key decides."""
    found = [(match.start(), answer) for pattern, answer in _BEGINNINGS if (match := pattern.search(text)) is not None]
    return min(found, key=lambda pair: pair[0])[1] if found else None
