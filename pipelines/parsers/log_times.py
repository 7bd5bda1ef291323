"""Times as Envoy's `%START_TIME(...)%` and log shippers print them, to microseconds since 1970."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_ISO: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))? ?(Z|UTC|[+-]\d\d:?\d\d)?", re.ASCII
)
_APACHE: Final = re.compile(r"\[?(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d{4})\]?", re.ASCII)
_EPOCH: Final = re.compile(r"(\d{9,19})(?:\.(\d{1,9}))?", re.ASCII)
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_BEGIN: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_FIRST_YEAR, _LAST_YEAR = 1000, 2999
#: Digits of a whole number of seconds, milliseconds, microseconds and nanoseconds since 1970 in the years 1973 to 5138.
_SECOND_DIGITS: Final = 11
_NANOSECONDS_BY_DIGITS: Final = ((_SECOND_DIGITS, 10**9), (14, 10**6), (17, 10**3), (20, 1))


def time_us(text: str) -> int | None:
    """Microseconds since 1970 of an ISO 8601 time, an Apache one (`22/Nov/2026:21:58:08 +0000`) or a count since 1970.

    Finer fractions are cut off. Without a zone it is UTC, as `%START_TIME%` always is. A count since 1970 is of
    seconds (with or without a fraction), milliseconds, microseconds or nanoseconds by its number of digits. None for
    anything else, days that do not exist and years outside 1000 to 2999.
    """
    matched = _ISO.fullmatch(text)
    if matched is not None:
        *parts, fraction, zone = matched.groups()
        return _moment([int(part) for part in parts], fraction, zone)
    matched = _APACHE.fullmatch(text)
    if matched is not None:
        day, month, year, *clock, zone = matched.groups()
        if month not in _MONTHS:
            return None
        return _moment([int(year), _MONTHS.index(month) + 1, int(day), *map(int, clock)], None, zone)
    matched = _EPOCH.fullmatch(text)
    return None if matched is None else _since_epoch(matched.group(1), matched.group(2))


def _moment(parts: list[int], fraction: str | None, zone: str | None) -> int | None:
    year, month, day, hour, minute, second = parts
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        return None
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    microseconds = (moment - _BEGIN) // _MICROSECOND + int((fraction or "").ljust(6, "0")[:6])
    return microseconds - _offset_minutes(zone) * 60_000_000


def _offset_minutes(zone: str | None) -> int:
    if zone is None or zone[0] not in "+-":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[-2:])
    return -minutes if zone[0] == "-" else minutes


def _since_epoch(whole: str, fraction: str | None) -> int | None:
    if fraction is not None and len(whole) > _SECOND_DIGITS:
        return None
    scale = next(scale for digits, scale in _NANOSECONDS_BY_DIGITS if len(whole) <= digits)
    return (int(whole) * scale + int((fraction or "").ljust(9, "0"))) // 1_000
