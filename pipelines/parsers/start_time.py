"""The formats of `%START_TIME(FORMAT)%`: strftime's specifiers as Envoy prints them, read back to microseconds.

Beside strftime's there are Envoy's own (`%s`, `%f`, `%1f` to `%9f`) and those of absl's time library, which prints for
Envoy (`%E3S`, `%E*S`, `%E6f`, `%E4Y`, `%Ez`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

_SPECIFIER: Final = re.compile(r"%(?:E([0-9*])?([a-zA-Z])|([1-9])f|([a-zA-Z%]))")
_SHORTHANDS: Final = {
    "%F": "%Y-%m-%d",
    "%T": "%H:%M:%S",
    "%X": "%H:%M:%S",
    "%R": "%H:%M",
    "%D": "%m/%d/%y",
    "%x": "%m/%d/%y",
    "%c": "%a %b %e %H:%M:%S %Y",
    "%r": "%I:%M:%S %p",
}
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TWO: Final = "[0-9]{2}"
_WORD: Final = "[A-Za-z]+"
#: What a specifier prints, and the part of a time that it is; parts without a name are only skipped.
_PARTS: Final[dict[str, tuple[str, str]]] = {
    "Y": ("[0-9]{4}", "year"),
    "y": (_TWO, "short_year"),
    "m": (_TWO, "month"),
    "b": (_WORD, "month_name"),
    "h": (_WORD, "month_name"),
    "B": (_WORD, "month_name"),
    "d": (_TWO, "day"),
    "e": ("[ 0-9]?[0-9]", "day"),
    "j": ("[0-9]{3}", "day_of_year"),
    "H": (_TWO, "hour"),
    "k": ("[ 0-9]?[0-9]", "hour"),
    "I": (_TWO, "short_hour"),
    "l": ("[ 0-9]?[0-9]", "short_hour"),
    "p": ("[AaPp][Mm]", "half"),
    "M": (_TWO, "minute"),
    "S": (_TWO, "second"),
    "s": ("[0-9]{9,11}", "epoch"),  # from 1973 on
    "f": ("[0-9]{9}", "fraction"),
    "z": ("[+-][0-9]{2}:?[0-9]{2}", "zone"),
    "Z": ("[A-Za-z]+|[+-][0-9]{2,4}", ""),
    "a": (_WORD, ""),
    "A": (_WORD, ""),
    "C": (_TWO, ""),
    "G": ("[0-9]{4}", ""),
    "g": (_TWO, ""),
    "u": ("[0-9]", ""),
    "w": ("[0-9]", ""),
    "U": (_TWO, ""),
    "V": (_TWO, ""),
    "W": (_TWO, ""),
    "n": ("\n", ""),
    "t": ("\t", ""),
    "%": ("%", ""),
}
_HALF_DAY: Final = 12
_FIRST_SHORT_YEAR: Final = 69
_BEGIN: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class TimeFormat:
    """A format of times: `pattern` matches what it prints (no group captures), `parts` names its groups in order."""

    pattern: str
    groups: re.Pattern[str]
    parts: tuple[str, ...]

    def read(self, text: str) -> int | None:
        """Microseconds since 1970, finer fractions cut off; UTC where no zone is printed. None where it is no time."""
        matched = self.groups.fullmatch(text)
        if matched is None:
            return None
        values: dict[str, str] = {}
        for name, value in zip(self.parts, matched.groups(), strict=True):
            if values.setdefault(name, value) != value:
                return None
        try:
            return _microseconds(values)
        except (ValueError, OverflowError):
            return None


@lru_cache(maxsize=64)
def time_format(text: str) -> TimeFormat:
    """The format of that text.

    Raises:
        ValueError: a specifier is unknown, or what is printed names no day.
    """
    text = _SPECIFIER.sub(lambda matched: _SHORTHANDS.get(matched.group(), matched.group()), text)
    pattern: list[str] = []
    groups: list[str] = []
    parts: list[str] = []
    position = 0
    for matched in _SPECIFIER.finditer(text):
        literal = re.escape(text[position : matched.start()])
        pattern.append(literal)
        groups.append(literal)
        for printed, part in _printed(matched):
            pattern.append(f"(?:{printed})")
            groups.append(f"({printed})" if part else pattern[-1])
            parts += [part] if part else []
        position = matched.end()
    rest = re.escape(text[position:])
    found = set(parts)
    has_year, has_month = found & {"year", "short_year"}, found & {"month", "month_name"}
    if "epoch" not in found and not (has_year and ("day_of_year" in found or (has_month and "day" in found))):
        raise ValueError(f"START_TIME({text}) does not say which day it is; add %Y-%m-%d, or %s")
    return TimeFormat("".join([*pattern, rest]), re.compile("".join([*groups, rest]), re.ASCII), tuple(parts))


def _printed(matched: re.Match[str]) -> tuple[tuple[str, str], ...]:
    """What a specifier prints, in order: patterns, and the part of a time that each is."""
    width, extended, digits, simple = matched.groups()
    if digits:
        return ((f"[0-9]{{{digits}}}", "fraction"),)
    if extended in ("S", "f") and width:
        fraction = "[0-9]+" if width == "*" else f"[0-9]{{{width}}}"
        return ((fraction, "fraction"),) if extended == "f" else ((_TWO, "second"), (rf"\.{fraction}", "fraction"))
    if extended == "z":
        return (("[+-][0-9]{2}:[0-9]{2}(?::[0-9]{2})?|Z", "zone"),)
    found = _PARTS.get(simple or extended)
    if found is None:
        raise ValueError(f"{matched.group()} is no specifier of a time that Envoy knows")
    return (found,)


def _microseconds(values: dict[str, str]) -> int:
    digits = values.get("fraction", "").lstrip(".")
    fraction = int(digits.ljust(6, "0")[:6])
    if "epoch" in values:
        return int(values["epoch"]) * 1_000_000 + fraction
    year = int(values["year"]) if "year" in values else _long_year(int(values["short_year"]))
    hour = int(values.get("hour", "0"))
    if "short_hour" in values:
        afternoon = values.get("half", "").lower() == "pm"
        hour = int(values["short_hour"]) % _HALF_DAY + _HALF_DAY * afternoon
    clock = (hour, int(values.get("minute", "0")), int(values.get("second", "0")))
    if "day_of_year" in values:
        moment = datetime(year, 1, 1, *clock, tzinfo=UTC) + timedelta(days=int(values["day_of_year"]) - 1)
    else:
        month = int(values["month"]) if "month" in values else _MONTHS.index(values["month_name"][:3].lower()) + 1
        moment = datetime(year, month, int(values["day"]), *clock, tzinfo=UTC)
    return (moment - _zone(values.get("zone", "Z")) - _BEGIN) // _MICROSECOND + fraction


def _long_year(year: int) -> int:
    """As strptime has it: 69 to 99 are of the last century."""
    return 1900 + year if year >= _FIRST_SHORT_YEAR else 2000 + year


def _zone(text: str) -> timedelta:
    if text == "Z":
        return timedelta()
    digits = text[1:].replace(":", "").ljust(6, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:4]), seconds=int(digits[4:6]))
    return -offset if text[0] == "-" else offset
