"""JSON documents one after another, and JSON values in which no key is there twice."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from pipelines.parsers.limits import MAX_MESSAGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.parsers.yaml_values import Value

_WHITE_SPACE = re.compile(rb"[ \t\r\n]*")
_NEXT_DOCUMENT = re.compile(rb"\n(?=[{\[])")
# Structure is ASCII: read as Latin-1, positions in the text are positions in the bytes, whatever strings hold.
# A broken document may open a line that looks like the next one, over and over: what may be read twice is bounded.
_RESCAN_FACTOR = 4
_SCANNER = json.JSONDecoder(strict=False)


class RefusedJsonError(ValueError):
    """Bytes that are no JSON value, or one with a repeated key; the message says why."""


class JsonBounds(NamedTuple):
    """The bytes of one top-level JSON value; `problem` says why they are none."""

    start: int
    end: int
    problem: str | None = None


def json_bounds(stream: bytes) -> Iterator[JsonBounds]:
    """The values of a stream of JSON documents. After a broken one, reading goes on at the next line that opens one."""
    text: str | None = None
    wasted = 0
    position = _skip_white_space(stream, 0)
    while position < len(stream):
        if position == 0 and _is_one_value(stream):
            yield JsonBounds(0, len(stream))
            return
        text = text if text is not None else stream.decode("latin-1")
        try:
            _, end = _SCANNER.raw_decode(text, position)
            yield JsonBounds(position, end)
        except json.JSONDecodeError as error:
            wasted += error.pos - position
            following = _NEXT_DOCUMENT.search(stream, position) if wasted <= _RESCAN_FACTOR * len(stream) else None
            end = following.end() if following else len(stream)
            yield JsonBounds(position, end, f"not JSON: {error.msg} at byte {error.pos - position} of the document")
        except RecursionError:
            end = len(stream)
            yield JsonBounds(position, end, "nested too deeply; what follows was not looked at")
        position = _skip_white_space(stream, end)


def load_json_value(raw: bytes) -> Value:
    """Decode one value. Raises RefusedJsonError, and nothing else."""
    if len(raw) > MAX_MESSAGE_BYTES:
        raise RefusedJsonError(f"{len(raw)} bytes, over the limit of {MAX_MESSAGE_BYTES} for one object")
    try:
        value: Value = msgspec.json.decode(raw)
        # A decoder keeps the last of two equal keys. Written out again the value is then shorter than what was read;
        # other spellings of numbers and characters change its length too, and are looked at more closely.
        if len(msgspec.json.encode(value)) != len(msgspec.json.format(raw, indent=-1)):
            json.loads(raw, object_pairs_hook=_refuse_repeated_keys)
    except RefusedJsonError:
        raise
    except (msgspec.MsgspecError, ValueError, RecursionError, OverflowError) as error:
        raise RefusedJsonError(f"not JSON: {_said(error)}") from None
    return value


def _refuse_repeated_keys(pairs: list[tuple[str, object]]) -> None:
    keys = set()
    for key, _ in pairs:
        if key in keys:
            raise RefusedJsonError(f"the key {key[:256]!r} is there twice in one object")
        keys.add(key)


def _is_one_value(stream: bytes) -> bool:
    try:
        msgspec.json.decode(stream, type=msgspec.Raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _skip_white_space(stream: bytes, position: int) -> int:
    match = _WHITE_SPACE.match(stream, position)
    return match.end() if match else position


def _said(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)
