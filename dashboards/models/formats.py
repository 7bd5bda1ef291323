"""Values as people read them: always with a unit, never more digits than they carry."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

NOTHING: Final = "\N{EN DASH}"

_MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&])")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")

_ESCAPES: Final = tuple(
    "\\\\" if byte == 0x5C else chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}" for byte in range(256)
)

_SECOND_MS: Final = 1_000.0
_MINUTE_MS: Final = 60_000.0
_HOUR_MS: Final = 3_600_000.0


def count(value: float | None) -> str:
    """Whole numbers with thousands separated, millions and more shortened: `1,234`, `12.3 M`."""
    if value is None:
        return NOTHING
    if value >= 10_000_000_000:
        return f"{value / 1e9:,.1f} G"
    if value >= 10_000_000:
        return f"{value / 1e6:,.1f} M"
    return f"{value:,.0f}"


def counted(number: float, noun: str) -> str:
    """A number with its noun: `1 pod`, `1,234 pods`."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def percent(share: float | None) -> str:
    """A share of one as per cent. A share above zero never reads as zero: `0 %`, `<0.01 %`, `0.25 %`, `12.5 %`."""
    if share is None:
        return NOTHING
    value = share * 100
    if value == 0:
        return "0 %"
    if value < 0.01:
        return "<0.01 %"
    if value < 1:
        return f"{value:.2f} %"
    return f"{value:.1f} %" if value < 100 else "100 %"


def duration(milliseconds: float | None) -> str:
    """Milliseconds in the unit that reads best: `0.42 ms`, `37 ms`, `1.25 s`, `3.1 min`, `2.0 h`."""
    if milliseconds is None:
        return NOTHING
    if milliseconds < 1:
        return f"{milliseconds:.2g} ms"
    if milliseconds < 10:
        return f"{milliseconds:.3g} ms"
    if milliseconds < _SECOND_MS - 0.5:
        return f"{milliseconds:.0f} ms"
    if milliseconds < _MINUTE_MS:
        return f"{milliseconds / _SECOND_MS:.2f} s"
    if milliseconds < _HOUR_MS:
        return f"{milliseconds / _MINUTE_MS:.1f} min"
    return f"{milliseconds / _HOUR_MS:.1f} h"


def size(count_bytes: float | None) -> str:
    """Bytes in binary units: `512 B`, `1.5 KiB`."""
    if count_bytes is None:
        return NOTHING
    value = float(count_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:,.0f} {unit}" if unit == "B" else f"{value:,.1f} {unit}"
        value /= 1024
    return f"{value:,.1f} TiB"


def time(value: datetime | None) -> str:
    """A moment in UTC to the millisecond: `2026-05-01 12:00:00.123`."""
    if value is None:
        return NOTHING
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def second(value: datetime | None) -> str:
    """A moment in UTC to the second: `2026-05-01 12:00:00`."""
    return NOTHING if value is None else time(value)[:-4]


def ago(value: datetime | None, now: datetime) -> str:
    """How long before `now`: `4 s ago`, `3.0 min ago`, `2.5 days ago`."""
    if value is None:
        return NOTHING
    seconds = (now - value).total_seconds()
    if seconds < 0:
        return "in the future"
    if seconds >= 172_800:
        return f"{seconds / 86_400:.1f} days ago"
    return f"{seconds:.0f} s ago" if seconds < 60 else f"{duration(seconds * 1000)} ago"


def markdown(text: object) -> str:
    """`text` for a place that reads Markdown (labels, captions): shows as it is, on one line, whatever it holds."""
    return _MARKDOWN.sub(r"\\\1", plain(text))


def plain(text: object) -> str:
    """`text` on one line, with control and direction-changing characters shown as escapes."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match.group()):02x}", str(text))


def short_host(host: str | None) -> str:
    """A host for narrow places: `reviews.default.svc.cluster.local` is `reviews.default`."""
    if host is None:
        return "unknown"
    return re.sub(r"\.svc\.[a-z0-9.-]+$", "", host)


def escaped_bytes(raw: bytes, limit: int = 2_000) -> str:
    r"""Bytes as printable ASCII, all else as `\xNN` and a backslash doubled; cut at `limit` bytes, and says so."""
    shown = "".join(_ESCAPES[byte] for byte in raw[:limit])
    return shown if len(raw) <= limit else f"{shown} … ({count(len(raw) - limit)} more bytes)"
