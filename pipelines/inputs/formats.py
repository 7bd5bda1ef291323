"""The formats that are read: their names, how their records are told apart, their lake table and their parser."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from pipelines.schemas import (
    ACCESS_LOG_FIELDS,
    ACCESS_LOGS,
    MESH_OBJECT_FIELDS,
    MESH_OBJECTS,
    METRIC_SAMPLE_FIELDS,
    METRIC_SAMPLES,
    SPAN_FIELDS,
    SPANS,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from pipelines.parsers.result import Parsed


class Framing(Enum):
    """What ends a record: a newline, its own length before it, or the end of the file."""

    LINES = "lines"
    DELIMITED = "delimited"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class Format:
    """One format.

    `fields` are its records' columns as its parser gives them; `is_log` says that its records were written by one
    proxy, whose pod the path may name.
    """

    name: str
    table: str
    fields: pa.Schema
    framing: Framing
    is_log: bool = False


#: Answers of a live Prometheus: read over HTTP, never recognised in a file.
PROMETHEUS_LIVE: Final = "prometheus_live"

FORMATS: Final[dict[str, Format]] = {
    format_.name: format_
    for format_ in (
        Format("istio_text", ACCESS_LOGS.name, ACCESS_LOG_FIELDS, Framing.LINES, is_log=True),
        Format("istio_json", ACCESS_LOGS.name, ACCESS_LOG_FIELDS, Framing.LINES, is_log=True),
        Format("otlp_traces", SPANS.name, SPAN_FIELDS, Framing.DELIMITED),
        Format("otlp_traces_json", SPANS.name, SPAN_FIELDS, Framing.LINES),
        Format("prometheus_range", METRIC_SAMPLES.name, METRIC_SAMPLE_FIELDS, Framing.DOCUMENT),
        Format(PROMETHEUS_LIVE, METRIC_SAMPLES.name, METRIC_SAMPLE_FIELDS, Framing.DOCUMENT),
        Format("kubernetes_yaml", MESH_OBJECTS.name, MESH_OBJECT_FIELDS, Framing.DOCUMENT),
        Format("kubernetes_json", MESH_OBJECTS.name, MESH_OBJECT_FIELDS, Framing.DOCUMENT),
        Format("kubernetes_watch", MESH_OBJECTS.name, MESH_OBJECT_FIELDS, Framing.LINES),
    )
}


def parse(format_name: str, chunk: bytes, base_offset: int, default_metric: str | None = None) -> Iterator[Parsed]:
    """Parse whole records of a format; large Prometheus answers come in several pieces.

    `base_offset` is the chunk's offset in the decompressed source; `default_metric` names Prometheus series that have
    no name of their own.
    """
    # Each parser is imported only when its format occurs: some bring a protobuf or YAML library with them.
    match format_name:
        case "istio_text":
            from pipelines.parsers.istio_text import parse_istio_text

            yield parse_istio_text(chunk, base_offset)
        case "istio_json":
            from pipelines.parsers.istio_json import parse_istio_json

            yield parse_istio_json(chunk, base_offset)
        case "otlp_traces":
            from pipelines.parsers.otlp_traces import parse_otlp_traces_delimited

            yield parse_otlp_traces_delimited(chunk, base_offset)
        case "otlp_traces_json":
            from pipelines.parsers.otlp_traces import parse_otlp_traces_json

            yield parse_otlp_traces_json(chunk, base_offset)
        case "prometheus_range" | "prometheus_live":
            from pipelines.parsers.prometheus_range import prometheus_batches

            yield from prometheus_batches(chunk, base_offset, default_metric)
        case "kubernetes_yaml":
            from pipelines.parsers.kubernetes import parse_kubernetes_yaml

            yield parse_kubernetes_yaml(chunk, base_offset)
        case "kubernetes_json":
            from pipelines.parsers.kubernetes import parse_kubernetes_json

            yield parse_kubernetes_json(chunk, base_offset)
        case "kubernetes_watch":
            from pipelines.parsers.kubernetes import parse_kubernetes_watch

            yield parse_kubernetes_watch(chunk, base_offset)
        case _:
            raise ValueError(f"there is no format {format_name}; the formats are {', '.join(FORMATS)}")
