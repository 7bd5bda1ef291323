"""What a line of an exposition, or of an Envoy's admin page, is."""

from __future__ import annotations

import re
from typing import Final

from pipelines.inputs.recognition import Recognition

_NAME: Final = rb"[a-zA-Z_:][a-zA-Z0-9_:]*"
_NUMBER: Final = rb"(?:[+-]?(?:[0-9.]+(?:[eE][+-]?[0-9]+)?|Inf)|NaN)"
_LINES: Final = (
    (re.compile(rb"# (?:TYPE|HELP|UNIT) (?:" + _NAME + rb'|") ?'), Recognition("prometheus_text")),
    (re.compile(rb"# EOF\s*\Z"), Recognition("prometheus_text")),
    (
        re.compile(rb"(?:" + _NAME + rb')?\{(?:[a-zA-Z_"][^{}]*)?\} ' + _NUMBER + rb"(?: |\s*\Z)"),
        Recognition("prometheus_text"),
    ),
    (
        re.compile(
            rb"[^\s:][^\s]*?::(?:default_priority::max_|high_priority::max_|outlier::|added_via_api::|observability_name::)"
        ),
        Recognition("envoy_clusters"),
    ),
    (
        re.compile(
            rb"[^\s:][^\s]*?::\S+::(?:cx_|rq_|hostname::|health_flags::|weight::|region::|zone::|sub_zone::|canary::)"
        ),
        Recognition("envoy_clusters"),
    ),
    # Without labels only a name as exporters have them, lest every "word number" be a sample.
    (
        re.compile(rb"[a-z][a-z0-9]*_" + _NAME + rb" " + _NUMBER + rb"(?: -?[0-9.]+)?\s*\Z"),
        Recognition("prometheus_text"),
    ),
)


def recognise_metrics_line(line: bytes) -> Recognition | None:
    """What a line of metrics is; None where it is none."""
    for pattern, answer in _LINES:
        if pattern.match(line):
            return answer
    return None
