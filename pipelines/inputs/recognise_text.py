"""What one line of a text file is."""

from __future__ import annotations

import re
from typing import Final

from pipelines.inputs.recognise_metrics import recognise_metrics_line
from pipelines.inputs.recognition import Recognition

_TIME = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
#: START_TIME, the quoted request line and the code, as every variant of Istio's text format begins.
_ISTIO_TEXT: Final = re.compile(rb"\[" + _TIME + rb'[.0-9]*(?:Z|[+-]\d\d:?\d\d)\] "[^\n]*" \d{1,3} ')
_TEXT_KINDS: Final = (
    (re.compile(rb"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+\]\[\d+\]\["), "Envoy's own log, which is not read yet"),
)


def recognise_text_line(line: bytes) -> Recognition | None:
    """What a line is that is not JSON; None where it tells nothing."""
    if _ISTIO_TEXT.match(line):
        return Recognition("istio_text")
    for pattern, reason in _TEXT_KINDS:
        if pattern.match(line):
            return Recognition(None, reason)
    return recognise_metrics_line(line)
