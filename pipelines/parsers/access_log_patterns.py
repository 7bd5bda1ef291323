"""What each field of an Envoy access log may hold, as RE2 patterns over bytes (Latin-1: one byte, one character).

Patterns are ASCII and hold no groups that capture, so that RE2 runs its linear automaton. Envoy escapes nothing in
text, but the values themselves are bounded: HTTP field values hold no control byte but tab, a request line no
space in its method or protocol, Envoy's own words no space at all.
"""

from __future__ import annotations

_LEAP_YEAR = r"(?:[12][0-9](?:0[48]|[2468][048]|[13579][26])|(?:1[26]|2[048])00)"
_DATE = (
    r"(?:[12][0-9]{3}-(?:"
    r"(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    r"|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    rf"|{_LEAP_YEAR}-02-29)"
)
#: `%START_TIME%`: ISO 8601, UTC, a real day of the years 1000 to 2999, any fraction down to nanoseconds.
TIME = rf"{_DATE}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{{1,9}})?Z"

#: An HTTP method (a token of RFC 9110), or `-`.
METHOD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
PROTOCOL = r"(?:HTTP/(?:1\.[01]|2|3)|-)"
RESPONSE_CODE = r"(?:0|[1-9][0-9]{2})"
#: Short names joined by commas, or `-`. Envoy lets filters register their own, so the set is open.
RESPONSE_FLAGS = r"(?:[A-Z][A-Z0-9_]{0,31}(?:,[A-Z][A-Z0-9_]{0,31})*|-)"
#: At most 18 digits: any such number fits 64 bits.
COUNT = r"[0-9]{1,18}"
COUNT_OR_DASH = rf"(?:{COUNT}|-)"

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
#: IPv4 or bracketed IPv6 with a port, a Unix socket, an address inside Envoy, or `-`.
ADDRESS = (
    rf"(?:{_OCTET}(?:\.{_OCTET}){{3}}:[0-9]{{1,5}}"
    r"|\[[0-9A-Fa-f:.]+(?:%[^\x00-\x20\"\]\x7f]+)?\]:[0-9]{1,5}"
    r"|(?:envoy://|/|@)[^\x00-\x20\"\x7f]+"
    r"|-)"
)

#: A value Envoy prints without quotes: no space, no quote, never empty.
WORD = r"[^\x00-\x20\"\x7f]+"
#: As WORD, but not the beginning of a next record stuck to this one.
LAST_WORD = r"[^\x00-\x20\"\[\x7f]+"
#: `:authority` cannot hold a space or a quote; it can be empty.
AUTHORITY = r"[^\x00-\x20\"\x7f]*"
#: A header's value: anything but control bytes; tab is allowed.
TEXT = r"[^\x00-\x08\x0a-\x1f\x7f]*"
TEXT_UNQUOTED = r"[^\x00-\x08\x0a-\x1f\"\x7f]*"
PATH = r"[^\x00-\x1f\x7f]*"
PATH_UNQUOTED = r"[^\x00-\x1f\"\x7f]*"
