"""Which of the layouts that a user or a mesh names is that of a log, by trying them on its first lines."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from pipelines.inputs.formats import Framing, framing_of, parse
from pipelines.inputs.text_logs import WELL_KNOWN, infer_text_layout
from pipelines.parsers.context import Context
from pipelines.parsers.log_layout import layout_of
from pipelines.parsers.text_program import program_of
from pipelines.parsers.wrappers.registry import unwrap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipelines.inputs.recognition import Recognition

_TEXT, _JSON = "istio_text", "istio_json"
_OTLP: Final = frozenset({"otlp_logs", "otlp_logs_json"})
_LOGS: Final = frozenset({_TEXT, _JSON}) | _OTLP
#: What only Istio's own formats have between the request and the next quote (in JSON `\\"`): two to four words.
_OWN: Final = re.compile(rb'\\?" \d{1,3} [A-Z-][A-Z0-9_,]*(?: [^\s"\\]+){0,2} \\?"')
_NOTHING: Final = (0, 0)
_SAMPLE_BYTES: Final = 32 << 10
_SAMPLE_LINES: Final = 50


def layout_problem(layout: str) -> str:
    """Why a log format cannot be used; empty where it can."""
    try:
        if layout.lstrip().startswith("{"):
            layout_of(layout)
        else:
            program_of(layout)
    except ValueError as error:
        return str(error)
    return ""


def with_known_layout(head: bytes, recognised: Recognition) -> Recognition:
    """What a text file is that is no log of Istio's own format: one of a well-known format, or of one told from it."""
    if (recognised.format, recognised.layout) not in ((_TEXT, None), (None, None)):
        return recognised
    if recognised.format is not None and _OWN.search(head):
        return recognised
    sample = _sample(head, _TEXT, recognised.wrapper)
    if recognised.wrapper is not None:
        sample = unwrap(recognised.wrapper, np.frombuffer(sample, np.uint8)).text
    lines = [line for line in sample.split(b"\n") if line.strip()]
    if not any(line[:1] not in b"{" for line in lines):
        return recognised
    found = with_layout(head, recognised, WELL_KNOWN)
    inferred = infer_text_layout(lines[:_SAMPLE_LINES]) if found.layout is None else None
    return found if inferred is None else replace(inferred, wrapper=recognised.wrapper)


def with_layout(head: bytes, recognised: Recognition, layouts: Iterable[str]) -> Recognition:
    """What a file is, given the layouts that its log may have.

    The layout that reads the most of the first lines wins, of those the one that fills the most columns, of those the
    first; Istio's own comes last.

    Args:
        head: the file's first bytes.
        recognised: what they are without any layout.
        layouts: format strings, or JSON objects of them.
    """
    if recognised.format not in _LOGS and recognised.format is not None:
        return recognised
    best, most = recognised, _NOTHING
    for layout in layouts:
        format_ = _JSON if layout.lstrip().startswith("{") else _TEXT
        if recognised.format in _OTLP:
            format_ = recognised.format
        read = _accepted(head, format_, Context(layout=layout, wrapper=recognised.wrapper, redact=False))
        if read > most:
            best, most = replace(recognised, format=format_, reason="", layout=layout), read
    if most == _NOTHING or recognised.format is None:
        return best
    plain = _accepted(
        head, recognised.format, Context(layout=recognised.layout, wrapper=recognised.wrapper, redact=False)
    )
    return recognised if plain > most else best


def _sample(head: bytes, format_name: str, wrapper: str | None) -> bytes:
    if framing_of(format_name, wrapper) is not Framing.LINES:
        return head
    sample = head[:_SAMPLE_BYTES]
    return sample[: sample.rfind(b"\n") + 1] or head


def _accepted(head: bytes, format_name: str, context: Context) -> tuple[int, int]:
    """How many records of a sample are read, and how many values their columns have."""
    rows = values = 0
    for parsed in parse(format_name, _sample(head, format_name, context.wrapper), 0, context):
        columns = parsed.accepted.drop_columns(["attributes"])
        rows += columns.num_rows
        values += columns.num_rows * columns.num_columns - sum(column.null_count for column in columns.columns)
    return rows, values
