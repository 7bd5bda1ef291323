"""What a file is, told from its first (decompressed) bytes; its name only breaks ties."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from pipelines.inputs.recognise_protobuf import protobuf_kind
from pipelines.schemas import ACCESS_LOG_FIELDS

#: How much of a file is looked at.
SNIFF_BYTES: Final = 256 << 10
_SNIFF_LINES: Final = 50


@dataclass(frozen=True, slots=True)
class Recognition:
    """A format's name, or None and the reason why the file is not read."""

    format: str | None
    reason: str = ""


_TIME = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
#: START_TIME, the quoted request line and the code, as every variant of Istio's text format begins.
_ISTIO_TEXT: Final = re.compile(rb"\[" + _TIME + rb'[.0-9]*(?:Z|[+-]\d\d:?\d\d)\] "[^\n]*" \d{1,3} ')
_TEXT_KINDS: Final = (
    (re.compile(rb"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+\]\[\d+\]\["), "Envoy's own log, which is not read yet"),
    (
        re.compile(_TIME + rb"\.\d+(?:Z|[+-]\d\d:\d\d) (?:stdout|stderr) [FP] "),
        "lines wrapped by the container runtime (CRI), not unwrapped yet; ingest what `cut -d' ' -f4-` leaves of them",
    ),
    (re.compile(rb"# (?:TYPE|HELP) [a-zA-Z_:]"), "Prometheus text exposition, which is not read yet"),
)
_YAML_OBJECT: Final = re.compile(rb"^(?:- )?[ ]{0,2}(?:apiVersion|kind):[ \t]", re.MULTILINE)

#: Keys of Istio's JSON access log; a line must have the time and some of the others.
_LOG_KEYS: Final = frozenset(ACCESS_LOG_FIELDS.names)
_LOG_KEYS_NEEDED: Final = 5
_WATCH_TYPES: Final = frozenset({"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"})
#: Top-level keys that settle what a JSON object is: a format, or the reason why it is not read.
_JSON_KEYS: Final = (
    ("resourceSpans", "otlp_traces_json", ""),
    ("resource_spans", "otlp_traces_json", ""),
    ("resourceLogs", None, "OTLP logs (JSON), which are not read yet"),
    ("resourceMetrics", None, "OTLP metrics (JSON), which are not read yet"),
    ("cluster_statuses", None, "Envoy's /clusters, which is not read yet"),
    ("configs", None, "an Envoy config_dump, which is not read yet"),
    ("apiVersion", "kubernetes_json", ""),
)


#: The same for text of which only the beginning is at hand.
_BEGINNINGS: Final = (
    (re.compile(rb'\A\s*\{\s*"type"\s*:\s*"(?:ADDED|MODIFIED|DELETED)"'), Recognition("kubernetes_watch")),
    (re.compile(rb'"resultType"\s*:'), Recognition("prometheus_range")),
    (re.compile(rb'\A\s*\[\s*\{\s*"metric"\s*:'), Recognition("prometheus_range")),
    *(
        (re.compile(rb'"' + key.encode() + rb'"\s*:'), Recognition(format_, reason))
        for key, format_, reason in _JSON_KEYS
    ),
)

_PROTOBUF_KINDS: Final = {
    "otlp_traces": Recognition("otlp_traces"),
    "otlp_logs": Recognition(None, "OTLP logs (protobuf), which are not read yet"),
    "otlp_metrics": Recognition(None, "OTLP metrics (protobuf), which are not read yet"),
    "als": Recognition(None, "Envoy access log service (ALS) messages, which are not read yet"),
}


def recognise(head: bytes, path: str, *, is_whole: bool) -> Recognition:
    """Tell a file's format from its first bytes: `SNIFF_BYTES` of them, or all there are (`is_whole`)."""
    text = head.removeprefix(b"\xef\xbb\xbf")
    if not text.strip():
        return Recognition(None, "nothing but white space" if text else "empty")
    kind = protobuf_kind(head, is_whole=is_whole)
    if kind is not None:
        return _PROTOBUF_KINDS[kind]
    if text.lstrip()[:1] in (b"{", b"["):
        document = _of_document(text, path, is_whole=is_whole)
        if document is not None:
            return document
    # A damaged or foreign first line must not hide what the rest is: every line of the sample has a vote.
    lines = [line for line in text.split(b"\n", 4 * _SNIFF_LINES) if line.strip()][:_SNIFF_LINES]
    votes = Counter(vote for vote in map(_of_line, lines) if vote is not None)
    if votes:
        return votes.most_common(1)[0][0]
    if b"\0" in text:
        return Recognition(None, "binary, and no protobuf messages that are read")
    if _YAML_OBJECT.search(text):
        return Recognition("kubernetes_yaml")
    return Recognition(None, f"no format that is read begins with {_excerpt(lines[0])}")


def _of_line(line: bytes) -> Recognition | None:
    if _ISTIO_TEXT.match(line):
        return Recognition("istio_text")
    for pattern, reason in _TEXT_KINDS:
        if pattern.match(line):
            return Recognition(None, reason)
    if line.lstrip()[:1] == b"{":
        value = _json(line)
        if isinstance(value, dict):
            return _of_object(value) or Recognition(None, f"JSON lines of no known kind: {_excerpt(line)}")
    return None


def _of_document(text: bytes, path: str, *, is_whole: bool) -> Recognition | None:
    """A JSON value that spreads over lines or past the sample; None where lines are to be looked at instead."""
    first = text.lstrip().split(b"\n", 1)[0]
    value = _json(first)
    if value is None and is_whole:
        value = _json(text)
    elif isinstance(value, dict) and len(first) < len(text.strip()):
        return None  # a whole object in the first line and more to come: lines
    if isinstance(value, dict):
        if PurePath(path).name.startswith("queries.json") and all(isinstance(query, str) for query in value.values()):
            return Recognition(None, "names the queries of the Prometheus answers beside it, and is used for that")
        return _of_object(value)
    if isinstance(value, list):
        return _of_list(value)
    return _of_beginning(text)


def _of_object(value: dict[str, object]) -> Recognition | None:
    if value.get("type") in _WATCH_TYPES and isinstance(value.get("object"), dict):
        return Recognition("kubernetes_watch")
    if "start_time" in value and len(_LOG_KEYS & value.keys()) >= _LOG_KEYS_NEEDED:
        return Recognition("istio_json")
    for key, format_, reason in _JSON_KEYS:
        if key in value:
            return Recognition(format_, reason)
    if "status" in value and ("data" in value or "errorType" in value):
        return Recognition("prometheus_range")
    if "resultType" in value and "result" in value:
        return Recognition("prometheus_range")
    return None


def _of_list(value: list[object]) -> Recognition | None:
    first = value[0] if value else None
    if isinstance(first, dict) and "metric" in first and ("values" in first or "value" in first):
        return Recognition("prometheus_range")
    if isinstance(first, dict) and "apiVersion" in first:
        return Recognition("kubernetes_json")
    return None


def _of_beginning(text: bytes) -> Recognition | None:
    """What a JSON text is of which only the beginning is at hand, or that is damaged: the first telling key decides."""
    found = [(match.start(), answer) for pattern, answer in _BEGINNINGS if (match := pattern.search(text)) is not None]
    return min(found, key=lambda pair: pair[0])[1] if found else None


def _json(text: bytes) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _excerpt(line: bytes) -> str:
    return repr(line[:60].decode("utf-8", "backslashreplace"))
