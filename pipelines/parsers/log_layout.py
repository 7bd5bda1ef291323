"""The keys of a JSON access log: which column each fills, by the log's own layout or by what the key is called.

A layout is what MeshConfig's `accessLogFormat` holds for `accessLogEncoding: JSON`, or an Envoy `json_format`: an
object from keys to format strings, objects within objects allowed. Nested keys are joined with dots.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

from pipelines.parsers.log_operators import known_key, target_of
from pipelines.parsers.log_values import InvalidRecordError, read_value, text_of
from pipelines.parsers.start_time import time_format
from pipelines.schemas import ACCESS_LOG_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipelines.parsers.log_operators import Target

#: Objects deeper than this, or under a longer path, are kept as JSON text: what a line may grow into is bounded.
MOST_LEVELS: Final = 8
LONGEST_PATH: Final = 128
_MOST_NAMED: Final = 1 << 20

_ATTRIBUTES: Final = "attributes"
COLUMNS: Final = tuple(name for name in ACCESS_LOG_FIELDS.names if name != _ATTRIBUTES)
_PLACES: Final = {name: place for place, name in enumerate(COLUMNS)}
_START_TIME, _CODE, _FLAGS = (_PLACES[name] for name in ("start_time", "response_code", "response_flags"))
#: Columns that say how a request ended.
OUTCOMES: Final = frozenset({"response_code", "response_flags"})


@dataclass(frozen=True, slots=True)
class Key:
    """What a key fills. Of several keys of one column the lowest `rank` counts; `certain` ones must hold its values.

    The rest is as in `log_operators.Target`.
    """

    column: str
    rank: int
    divisor: int = 1
    certain: bool = True
    time_format: str | None = None
    lacks_port: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether its values are the column's own."""
        return self.divisor == 1 and self.time_format is None and not self.lacks_port

    def read(self, value: object) -> int | str | None:
        """A value as its column has it. Raises InvalidRecordError where it is none."""
        if self.time_format is not None and isinstance(value, str):
            moment = time_format(self.time_format).read(value)
            if moment is not None:
                return moment
        found = read_value(self.column, value, self.divisor)
        if self.lacks_port and isinstance(found, str):
            # As Envoy prints an address whose port it does not know.
            return f"[{found}]:0" if ":" in found else f"{found}:0"
        return found


@dataclass(frozen=True, slots=True)
class Layout:
    """The keys that the log's layout names; others are told by what they are called."""

    named: Mapping[str, Key | None]
    needs_outcome: bool = True

    def key(self, path: str) -> Key | None:
        """What a key fills; None for an attribute."""
        if path in self.named:
            return self.named[path]
        known = known_key(path)
        return Key(*known, certain=known[1] == 0) if known else None


#: Nothing but what keys are called.
UNNAMED: Final = Layout({})


@lru_cache(maxsize=64)
def layout_of(text: str | None) -> Layout:
    """The layout that a context holds. Raises ValueError where it is no JSON object."""
    if text is None:
        return UNNAMED
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise ValueError(f"the layout of a JSON log has to be a JSON object of format strings: {error}") from None
    if not isinstance(value, dict):
        raise ValueError("the layout of a JSON log has to be a JSON object of format strings")  # noqa: TRY004  # the text is wrong
    named = {path: _named(place, given) for place, (path, given) in enumerate(members(value))}
    columns = {key.column for key in named.values() if key}
    return Layout(named, needs_outcome=not columns or not OUTCOMES.isdisjoint(columns))


def _named(place: int, given: object) -> Key | None:
    target = target_of(given) if isinstance(given, str) else None
    # Whatever the layout names is believed before any other key, in the layout's order.
    return key_of(target, place) if target else None


def key_of(target: Target, place: int) -> Key:
    """What the value at a place of a layout fills."""
    if target.time_format is not None:
        time_format(target.time_format)  # says what is wrong with it before any value is read
    return Key(
        target.column, place - _MOST_NAMED, target.divisor, target.certain, target.time_format, target.lacks_port
    )


def members(value: Mapping[str, object]) -> Iterable[tuple[str, object]]:
    """The scalars and arrays of an object and of the objects in it, each with its path."""
    stack = [("", value, 1)]
    while stack:
        prefix, current, level = stack.pop()
        for key, member in current.items():
            path = f"{prefix}{key}"
            if isinstance(member, dict) and level < MOST_LEVELS and len(path) <= LONGEST_PATH:
                stack.append((path + ".", member, level + 1))
            else:
                yield path, member


@dataclass(slots=True)
class Record:
    """One record: a value for each of `COLUMNS`, and what has no column."""

    values: list[int | str | None]
    attributes: dict[str, str | None]

    def row(self, source_offset: int) -> tuple[object, ...]:
        """The row of `source_offset` and `ACCESS_LOG_FIELDS`; times in microseconds since 1970."""
        return (source_offset, *self.values, dict(sorted(self.attributes.items())) or None)


def read_record(found: Iterable[tuple[str, object]], layout: Layout) -> Record:
    """A record from its members. Raises InvalidRecordError where it is none."""
    record = Record([None] * len(COLUMNS), {})
    has_outcome = fill_record(record, found, layout)
    if record.values[_START_TIME] is None:
        raise InvalidRecordError("no start_time")
    if layout.needs_outcome and not has_outcome:
        raise InvalidRecordError("neither response_code nor response_flags")
    return record


def fill_record(record: Record, found: Iterable[tuple[str, object]], layout: Layout) -> bool:
    """Put values into columns that are still empty, the others among the attributes.

    Returns whether the record says how the request ended. Raises InvalidRecordError where a value cannot be.
    """
    ranked: list[tuple[int, Key, str, object]] = []
    for path, value in found:
        key = layout.key(path)
        if key is None:
            _attribute(record, path, value)
        else:
            ranked.append((key.rank, key, path, value))
    ranked.sort(key=lambda entry: entry[0])
    has_outcome = record.values[_CODE] is not None or record.values[_FLAGS] is not None
    for _, key, path, value in ranked:
        place = _PLACES[key.column]
        try:
            found_value = key.read(value)
        except InvalidRecordError as error:
            if key.certain:
                raise InvalidRecordError(fault_of(path, error)) from None
            _attribute(record, path, value)
            continue
        if record.values[place] is None:
            record.values[place] = found_value
        elif record.values[place] != found_value:
            _attribute(record, path, value)
        # Flags of `-` say that all went well: an outcome.
        has_outcome |= key.column == "response_flags" and value is not None
        has_outcome |= place == _CODE and record.values[place] is not None
        if key.divisor != 1:
            _attribute(record, path, value)
    return has_outcome


def fault_of(path: str, error: InvalidRecordError) -> str:
    """What a record's reject says of a value that cannot be."""
    reason = str(error)
    return f"{path} {reason}" if reason.startswith("is ") else reason


def _attribute(record: Record, path: str, value: object) -> None:
    text = text_of(value)
    if text is not None:
        record.attributes[path] = text
