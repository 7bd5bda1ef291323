"""One line of a Prometheus text exposition or of OpenMetrics, exactly: slow, and the judge of every faster way.

Grammar: https://prometheus.io/docs/instrumenting/exposition_formats/ and
https://prometheus.io/docs/specs/om/open_metrics_spec/, with quoted UTF-8 names (Prometheus 3) and native histograms.
Blanks are allowed between all tokens; a backslash before any other character than the three of the standard stays.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from pipelines.parsers.composite_values import composite_value

if TYPE_CHECKING:
    from pipelines.parsers.native_histogram import Histogram

MICROSECONDS: Final = 1_000_000
#: The years 1 to 9999, as far as timestamps can be shown.
FIRST_SECOND: Final = -62_135_596_800
LAST_SECOND: Final = 253_402_300_799

#: Suffixes of the samples of a family, by its type; "" is the family's own name.
SUFFIXES: Final = {
    "counter": ("", "_total", "_created"),
    "gauge": ("",),
    "histogram": ("", "_bucket", "_sum", "_count", "_created"),
    "gaugehistogram": ("", "_bucket", "_gsum", "_gcount"),
    "summary": ("", "_sum", "_count", "_created"),
    "info": ("", "_info"),
    "stateset": ("",),
    "untyped": ("",),
    "unknown": ("",),
}
#: Types that say nothing.
UNKNOWN_TYPES: Final = frozenset({"untyped", "unknown"})

_NUMBER = r"[+-]?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|nan|inf(?:inity)?)"
_MILLISECONDS: Final = re.compile(r"-?[0-9]{1,18}")
_NO_TIME: Final = "a timestamp outside the years 1 to 9999"
_VALUE: Final = re.compile(_NUMBER, re.IGNORECASE)
_QUOTED: Final = r'"([^"\\]*(?:\\.[^"\\]*)*)"'
_METRIC: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL: Final = re.compile(rf"[ \t]*(?:([a-zA-Z_][a-zA-Z0-9_]*)|{_QUOTED})[ \t]*=[ \t]*{_QUOTED}[ \t]*", re.DOTALL)
_QUOTED_METRIC: Final = re.compile(rf"[ \t]*{_QUOTED}[ \t]*(?=[,}}])", re.DOTALL)
_TYPE: Final = re.compile(rf"[ \t]*#[ \t]+TYPE[ \t]+(?:({_METRIC.pattern})|{_QUOTED})[ \t]+(\S+)[ \t]*", re.DOTALL)
_NUMBER_TOKEN: Final = re.compile(r"[^ \t#]+")
#: A histogram's fields are followed by colons, which no label name is.
_COMPOSITE: Final = re.compile(r"\{[ \t]*[a-z_]+[ \t]*:[^{}]*\}")
_BLANKS: Final = re.compile(r"[ \t]*")
_ESCAPE: Final = re.compile(r'\\([\\n"])')


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One observation that a sample remembers; `time_us` is None where it does not say when."""

    labels: dict[str, str]
    value: float
    time_us: int | None


@dataclass(frozen=True, slots=True)
class Sample:
    """What a line says; `time_us` is None where it does not say when. A histogram's `value` is its count."""

    metric: str
    labels: dict[str, str]
    value: float
    time_us: int | None
    histogram: Histogram | None
    exemplar: Exemplar | None


def read_sample(line: bytes, *, is_open_metrics: bool) -> Sample:
    """Read one line that is neither blank nor a comment.

    Args:
        line: without its newline.
        is_open_metrics: whether timestamps are seconds with decimals, instead of whole milliseconds.

    Raises:
        ValueError: what is wrong, and at which character.
    """
    text = line.decode()
    position = _blanks(text, 0)
    metric = ""
    match = _METRIC.match(text, position)
    if match is not None:
        metric = match.group()
        position = _blanks(text, match.end())
        if position == match.end() and text[position : position + 1] != "{":
            raise ValueError(f"no blank after the metric's name, at character {position}")
    labels: dict[str, str] = {}
    if text[position : position + 1] == "{" and not _COMPOSITE.match(text, position):
        labels, quoted, position = _labels(text, position + 1)
        if metric and quoted:
            raise ValueError(f"two names, {metric[:64]!r} and {quoted[:64]!r}")
        metric = metric or quoted
    if not metric:
        raise ValueError(f"no metric name at character {position}")
    value, histogram, position = _value(text, _blanks(text, position))
    time_us, position = _time(text, position, is_open_metrics=is_open_metrics)
    exemplar = None
    if text[position : position + 1] == "#":
        exemplar, position = _exemplar(text, position + 1)
    if position < len(text):
        raise ValueError(f"more after the sample, at character {position}")
    return Sample(metric, labels, value, time_us, histogram, exemplar)


def read_type(line: bytes) -> tuple[str, str] | None:
    """The family and type a `# TYPE` line tells of; None for other comments.

    Raises:
        ValueError: the line is no TYPE line as it should be, or names a type that there is not.
    """
    words = line.split(None, 2)
    if words[:2] != [b"#", b"TYPE"]:
        return None
    match = _TYPE.fullmatch(line.decode())
    if match is None:
        raise ValueError("a TYPE line is not `# TYPE name type`")
    if match[3] not in SUFFIXES:
        raise ValueError(f"{match[3][:64]!r} is no type of metric")
    return match[1] or _unescape(match[2]), match[3]


def type_of(metric: str, family: str, kind: str) -> str | None:
    """The type of a metric's samples that follow a TYPE line; None where it is about another metric."""
    if kind in UNKNOWN_TYPES or not metric.startswith(family):
        return None
    return kind if metric[len(family) :] in SUFFIXES[kind] else None


def _labels(text: str, position: int) -> tuple[dict[str, str], str, int]:
    """Labels and a quoted metric name (or "") from after `{`; and where they end, after `}` and blanks."""
    labels: dict[str, str] = {}
    quoted = ""
    first = position
    while True:
        position = _blanks(text, position)
        if text[position : position + 1] == "}":
            return labels, quoted, _blanks(text, position + 1)
        match = _LABEL.match(text, position)
        if match is not None:
            name = match[1] or _unescape(match[2])
            if name in labels:
                raise ValueError(f"label {name[:64]!r} occurs twice")
            labels[name] = _unescape(match[3])
        else:
            match = _QUOTED_METRIC.match(text, position)
            if match is None or quoted or not match[1]:
                raise ValueError(f"no label at character {position}")
            quoted = _unescape(match[1])
        position = match.end()
        following = text[position : position + 1]
        if following == ",":
            position += 1
        elif following != "}":
            raise ValueError(f"labels from character {first} on do not end with a brace")


def _value(text: str, position: int) -> tuple[float, Histogram | None, int]:
    composite = _COMPOSITE.match(text, position)
    if composite is not None:
        histogram = composite_value(composite.group())
        return histogram.count, histogram, _blanks(text, composite.end())
    value, position = _number(text, position, "value")
    return value, None, position


def _time(text: str, position: int, *, is_open_metrics: bool) -> tuple[int | None, int]:
    match = _NUMBER_TOKEN.match(text, position)
    if match is None:
        return None, position
    if not is_open_metrics:
        if not _MILLISECONDS.fullmatch(match.group()):
            raise ValueError(f"a timestamp {match.group()[:64]!r} is not whole milliseconds")
        milliseconds = int(match.group())
        if not FIRST_SECOND * 1000 <= milliseconds <= LAST_SECOND * 1000:
            raise ValueError(_NO_TIME)
        return milliseconds * 1000, _blanks(text, match.end())
    return _seconds(text, position, "timestamp")


def _seconds(text: str, position: int, what: str) -> tuple[int, int]:
    """Seconds with decimals as microseconds: exact, which a double's 53 bits are not far from today."""
    begin = position
    seconds, position = _number(text, position, what)
    if not FIRST_SECOND <= seconds <= LAST_SECOND:
        raise ValueError(_NO_TIME)
    return round(Decimal(text[begin:position].rstrip(" \t")) * MICROSECONDS), position


def _exemplar(text: str, position: int) -> tuple[Exemplar, int]:
    position = _blanks(text, position)
    if text[position : position + 1] != "{":
        raise ValueError(f"an exemplar without labels at character {position}")
    labels, quoted, position = _labels(text, position + 1)
    if quoted:
        raise ValueError(f"a name in an exemplar at character {position}")
    value, position = _number(text, position, "exemplar's value")
    if position == len(text):
        return Exemplar(labels, value, None), position
    time_us, position = _seconds(text, position, "exemplar's timestamp")
    return Exemplar(labels, value, time_us), position


def _number(text: str, position: int, what: str) -> tuple[float, int]:
    match = _NUMBER_TOKEN.match(text, position)
    if match is None or not _VALUE.fullmatch(match.group()):
        said = repr(match.group()[:64]) if match is not None else "nothing"
        raise ValueError(f"{said} is no {what}, at character {position}")
    return float(match.group()), _blanks(text, match.end())


def _blanks(text: str, position: int) -> int:
    match = _BLANKS.match(text, position)
    return position if match is None else match.end()


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda match: "\n" if match[1] == "n" else match[1], text)
