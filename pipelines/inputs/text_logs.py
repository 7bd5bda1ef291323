"""The format string of a text access log that names none: a well-known one, or one told from the values of a sample."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from pipelines.inputs.json_logs import shapes_of
from pipelines.inputs.recognition import Recognition

if TYPE_CHECKING:
    from collections.abc import Sequence

_ENVOY: Final = (
    '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% '
    '%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" '
    '"%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"'
)
#: Envoy's own default, and as gateways built on it write it.
WELL_KNOWN: Final = (_ENVOY, f"ACCESS {_ENVOY}")
_TOKEN: Final = re.compile(r'([A-Za-z_][\w.:-]*=)?(?:"([^"]*)"|\[([^\]]*)\]|([^\s"\[]+))')
_REQUEST: Final = re.compile(r"[A-Z]+ \S* (?:HTTP/[123](?:\.[01])?|-)|- - -")
_APACHE: Final = "%d/%b/%Y:%H:%M:%S %z"
_MOST_TOKENS: Final = 80
_FEWEST_LINES: Final = 3
_NEEDED: Final = ("%UPSTREAM_CLUSTER%", "%START_TIME%", "%RESPONSE_CODE%")


def infer_text_layout(lines: Sequence[bytes]) -> Recognition | None:
    """The format of lines that all have one build, among whose values are a start, a code and an Envoy cluster."""
    cut = [_cut(line.decode("latin-1").rstrip("\r")) for line in lines]
    if not cut:
        return None
    separators, count = Counter(separators for separators, _ in cut).most_common(1)[0]
    if count < _FEWEST_LINES or 2 * count <= len(lines) or not 1 < len(separators) <= _MOST_TOKENS:
        return None
    rows = [values for found, values in cut if found == separators]
    columns = {str(place): [row[place] for row in rows if row[place] not in ("", "-")] for place in range(len(rows[0]))}
    operators = shapes_of({place: texts for place, texts in columns.items() if texts})
    if not set(_NEEDED) <= set(operators.values()):
        return None
    layout = separators[0].replace("%", "%%")
    for place, separator in enumerate(separators[1:]):
        operator = operators.get(str(place), f"%VALUE_{place + 1}%")
        if operator == "%START_TIME%" and "/" in columns[str(place)][0]:
            operator = f"%START_TIME({_APACHE})%"
        layout += operator + separator.replace("%", "%%")
    return Recognition("istio_text", layout=layout)


def _cut(line: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A line's text between its values, and the values: what is between quotes or brackets, and single words."""
    separators: list[str] = []
    values: list[str] = []
    position = 0
    for matched in _TOKEN.finditer(line):
        start, end = matched.span(matched.lastindex or 0)
        for begin, finish in _parts(line, start, end):
            separators.append(line[position:begin])
            values.append(line[begin:finish])
            position = finish
    return (*separators, line[position:]), tuple(values)


def _parts(line: str, start: int, end: int) -> list[tuple[int, int]]:
    """The one value from `start` to `end`, or the three of a request."""
    if not _REQUEST.fullmatch(line[start:end]):
        return [(start, end)]
    method, protocol = line.index(" ", start), line.rindex(" ", start, end)
    return [(start, method), (method + 1, protocol), (protocol + 1, end)]
