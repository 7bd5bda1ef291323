"""The frame of an answer of Prometheus's HTTP API: where its series are, or why there are none."""

from __future__ import annotations

from typing import Final

import msgspec

from pipelines.parsers.json_pieces import JSON_ERRORS

#: The largest answer read as one document; a query over a shorter range gives smaller ones.
MAX_ANSWER_BYTES: Final = 512 * 1024 * 1024

SCALAR: Final = "scalar"
_KINDS: Final = ("matrix", "vector", SCALAR)
_ABSENT: Final = msgspec.Raw(b"")


class _Data(msgspec.Struct, rename="camel"):
    result: msgspec.Raw = _ABSENT
    result_type: str | None = None


class _Answer(msgspec.Struct, rename="camel"):
    status: str | None = None
    data: _Data | None = None
    error_type: str = "unknown"
    error: str = ""
    result: msgspec.Raw = _ABSENT
    result_type: str | None = None


class NoSeriesError(ValueError):
    """A document or a series that has no samples to give; the message says why and what to do."""


def series_texts(document: bytes) -> tuple[list[msgspec.Raw], str | None]:
    """The JSON of every series of an answer, a bare `data` object or a bare list of series, and the result's type.

    Of a scalar the only piece is its sample.

    Raises:
        NoSeriesError: the document is an error, no answer, or one of a type that has no samples.
    """
    result, kind = _result(document)
    if kind == SCALAR:
        return [msgspec.Raw(result)], kind
    try:
        return msgspec.json.decode(result, type=list[msgspec.Raw]), kind
    except JSON_ERRORS as error:
        raise _no_answer(error) from None


def _result(document: bytes) -> tuple[bytes | msgspec.Raw, str | None]:
    """The JSON of the result, and its type where the document says so."""
    if len(document) > MAX_ANSWER_BYTES:
        raise NoSeriesError(
            f"an answer of {len(document)} bytes, over the limit of {MAX_ANSWER_BYTES}; ask for a shorter range"
        )
    if document.lstrip()[:1] == b"[":
        return document, None
    try:
        answer = msgspec.json.decode(document, type=_Answer)
    except JSON_ERRORS as error:
        raise _no_answer(error) from None
    if answer.status == "error":
        raise NoSeriesError(f"Prometheus answered with an error, {answer.error_type}: {answer.error[:500]}")
    data = answer.data or _Data(answer.result, answer.result_type)
    if data.result_type not in (*_KINDS, None):
        raise NoSeriesError(f"an answer of type {data.result_type[:64]!r}: only {', '.join(_KINDS)} are read")
    if bytes(data.result) in (b"", b"null"):
        raise NoSeriesError("not a Prometheus answer: it has no data.result")
    return data.result, data.result_type


def _no_answer(error: Exception) -> NoSeriesError:
    said = "nested too deeply" if isinstance(error, RecursionError) else error
    return NoSeriesError(f"not a Prometheus answer: {said}")
