"""Which of the layouts that a user or a mesh names is that of a log, by trying them on its first lines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pipelines.inputs.formats import Framing, framing_of, parse
from pipelines.parsers.context import Context

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipelines.inputs.recognition import Recognition

_TEXT, _JSON = "istio_text", "istio_json"
_LOGS: Final = frozenset({_TEXT, _JSON})
_SAMPLE_BYTES: Final = 32 << 10


def with_layout(head: bytes, recognised: Recognition, layouts: Iterable[str]) -> Recognition:
    """What a file is, given the layouts that its log may have.

    The layout that reads the most of the first lines wins; Istio's own counts as one, and comes last where several read
    the same.

    Args:
        head: the file's first bytes.
        recognised: what they are without any layout.
        layouts: format strings, or JSON objects of them.
    """
    if recognised.format not in _LOGS and recognised.format is not None:
        return recognised
    best, most = recognised, 0
    for layout in layouts:
        format_ = _JSON if layout.lstrip().startswith("{") else _TEXT
        read = _accepted(head, format_, Context(layout=layout, wrapper=recognised.wrapper))
        if read > most:
            best, most = replace(recognised, format=format_, reason="", layout=layout), read
    if not most or recognised.format is None:
        return best
    plain = _accepted(head, recognised.format, Context(layout=recognised.layout, wrapper=recognised.wrapper))
    return recognised if plain > most else best


def _accepted(head: bytes, format_name: str, context: Context) -> int:
    sample = head
    if framing_of(format_name, context.wrapper) is Framing.LINES:
        sample = head[:_SAMPLE_BYTES]
        sample = sample[: sample.rfind(b"\n") + 1] or head
    return sum(parsed.accepted.num_rows for parsed in parse(format_name, sample, 0, context))
