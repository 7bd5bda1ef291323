"""The formats that are read: their names, how their records are told apart, their lake table and their parser."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Final

from pipelines.parsers.context import Context
from pipelines.parsers.records import parse_records
from pipelines.parsers.result import Parsed
from pipelines.parsers.wrappers.names import is_document
from pipelines.schemas import (
    ACCESS_LOG_FIELDS,
    ACCESS_LOGS,
    MESH_OBJECT_FIELDS,
    MESH_OBJECTS,
    METRIC_SAMPLE_FIELDS,
    METRIC_SAMPLES,
    PROXY_STATE,
    PROXY_STATE_FIELDS,
    SPAN_FIELDS,
    SPANS,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from pipelines.columns import Table


class Framing(Enum):
    """What ends a record: a newline, its own length before it, or the end of the file."""

    LINES = "lines"
    DELIMITED = "delimited"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class Format:
    """One format.

    `fields` are its records' columns as its parser gives them; `parser` is that parser's `module:function`, imported
    only when the format occurs: some bring a protobuf or YAML library with them. It takes a chunk of whole records, the
    chunk's offset in the decompressed source and a `Context`, and returns one `Parsed` or several. `is_log` says that
    the records were written by one proxy, whose pod the path may name.
    """

    name: str
    table: Table
    fields: pa.Schema
    framing: Framing
    parser: str
    is_log: bool = False


#: Answers of a live Prometheus: read over HTTP, never recognised in a file.
PROMETHEUS_LIVE: Final = "prometheus_live"

_LINES, _DELIMITED, _DOCUMENT = Framing.LINES, Framing.DELIMITED, Framing.DOCUMENT
_PARSERS: Final = "pipelines.parsers"
#: Logs that a proxy writes where it writes its own log, too.
_WITH_OTHERS: Final = frozenset({"istio_text", "istio_json"})

FORMATS: Final[dict[str, Format]] = {
    format_.name: format_
    for format_ in (
        Format("istio_text", ACCESS_LOGS, ACCESS_LOG_FIELDS, _LINES, "istio_text:parse_istio_text", is_log=True),
        Format("istio_json", ACCESS_LOGS, ACCESS_LOG_FIELDS, _LINES, "istio_json:parse_istio_json", is_log=True),
        Format("otlp_logs", ACCESS_LOGS, ACCESS_LOG_FIELDS, _DELIMITED, "otlp_logs:parse_otlp_logs_delimited"),
        Format("otlp_logs_json", ACCESS_LOGS, ACCESS_LOG_FIELDS, _LINES, "otlp_logs_json:parse_otlp_logs_json"),
        Format("als", ACCESS_LOGS, ACCESS_LOG_FIELDS, _DELIMITED, "als:parse_als_delimited"),
        Format("otlp_traces", SPANS, SPAN_FIELDS, _DELIMITED, "otlp_traces:parse_otlp_traces_delimited"),
        Format("otlp_traces_json", SPANS, SPAN_FIELDS, _LINES, "otlp_traces:parse_otlp_traces_json"),
        Format("zipkin_json", SPANS, SPAN_FIELDS, _DOCUMENT, "zipkin:parse_zipkin"),
        Format("zipkin_json_lines", SPANS, SPAN_FIELDS, _LINES, "zipkin:parse_zipkin_lines"),
        Format("jaeger_json", SPANS, SPAN_FIELDS, _DOCUMENT, "jaeger:parse_jaeger"),
        Format("jaeger_json_lines", SPANS, SPAN_FIELDS, _LINES, "jaeger:parse_jaeger_lines"),
        Format("otlp_metrics", METRIC_SAMPLES, METRIC_SAMPLE_FIELDS, _DELIMITED, "otlp_metrics:parse_otlp_metrics"),
        Format(
            "otlp_metrics_json", METRIC_SAMPLES, METRIC_SAMPLE_FIELDS, _LINES, "otlp_metrics:parse_otlp_metrics_json"
        ),
        Format(
            "prometheus_range", METRIC_SAMPLES, METRIC_SAMPLE_FIELDS, _DOCUMENT, "prometheus_range:prometheus_batches"
        ),
        Format(
            "prometheus_text", METRIC_SAMPLES, METRIC_SAMPLE_FIELDS, _DOCUMENT, "prometheus_text:parse_prometheus_text"
        ),
        *(
            Format(name, PROXY_STATE, PROXY_STATE_FIELDS, _DOCUMENT, parser, is_log=True)
            for name, parser in (
                ("envoy_config_dump", "envoy_config_dump:parse_config_dump"),
                ("envoy_clusters", "envoy_clusters:parse_clusters"),
                ("envoy_server_info", "envoy_server_info:parse_server_info"),
            )
        ),
        Format(PROMETHEUS_LIVE, METRIC_SAMPLES, METRIC_SAMPLE_FIELDS, _DOCUMENT, "prometheus_range:prometheus_batches"),
        Format("kubernetes_yaml", MESH_OBJECTS, MESH_OBJECT_FIELDS, _DOCUMENT, "kubernetes:parse_kubernetes_yaml"),
        Format("kubernetes_json", MESH_OBJECTS, MESH_OBJECT_FIELDS, _DOCUMENT, "kubernetes:parse_kubernetes_json"),
        Format("kubernetes_watch", MESH_OBJECTS, MESH_OBJECT_FIELDS, _LINES, "kubernetes:parse_kubernetes_watch"),
    )
}

Parser = Callable[[bytes, int, Context], Parsed | Iterator[Parsed]]


def parse(format_name: str, chunk: bytes, base_offset: int, context: Context) -> Iterator[Parsed]:
    """Parse whole records of a format, in a wrapper or none; what outgrows its input comes in several pieces.

    `base_offset` is the chunk's offset in the decompressed source.
    """
    if format_name not in FORMATS:
        raise ValueError(f"there is no format {format_name}; the formats are {', '.join(FORMATS)}")
    format_ = FORMATS[format_name]
    parser = parser_of(format_name)
    has_others = format_name in _WITH_OTHERS
    yield from parse_records(parser, format_.fields, chunk, base_offset, context, has_others=has_others)


def framing_of(format_name: str, wrapper: str | None) -> Framing:
    """How records of a format are told apart, in a wrapper or none."""
    return Framing.DOCUMENT if is_document(wrapper) else FORMATS[format_name].framing


@cache
def parser_of(format_name: str) -> Parser:
    """The function that parses a format."""
    module, _, function = FORMATS[format_name].parser.partition(":")
    parser: Parser = getattr(importlib.import_module(f"{_PARSERS}.{module}"), function)
    return parser
