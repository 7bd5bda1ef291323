"""Judgements of single values: names, addresses, ports, durations, labels. Each gives what is wrong, or null.

Source: istio/istio `pkg/config/validation/agent/validation.go`, `pkg/config/labels`.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MAX_LABEL: Final = 63
_MAX_NAME: Final = 255
_MAX_PORT: Final = 65535
_MAX_PREFIX: Final = 253
_MAX_REGEX: Final = 1024
_LABEL: Final = re.compile(r"[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?")
_WILDCARD: Final = re.compile(r"\*|(?:\*|\*-)?[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?")
_QUALIFIED: Final = r"(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_KEY: Final = re.compile(rf"(?P<prefix>(?:{_LABEL.pattern})(?:\.{_LABEL.pattern})*/)?(?P<name>{_QUALIFIED})")
_LABEL_VALUE: Final = re.compile(rf"(?:{_QUALIFIED})?")
_DURATION_PART: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_NANOSECONDS: Final = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_MILLISECOND_NS: Final = 1_000_000
_SNI_PARTS: Final = 4
#: Where a Unix domain socket stands for an address.
UNIX: Final = "unix://"


def is_label(value: str) -> bool:
    """Whether a value is a DNS label."""
    return len(value) <= _MAX_LABEL and _LABEL.fullmatch(value) is not None


def _dns_labels(domain: str) -> str | None:
    parts = domain.split(".")
    if re.fullmatch(r"[+-]?[0-9]+", parts[-1]):
        return f"domain name {domain!r} has a top-level domain of digits"
    if parts[-1] == "":
        parts = parts[:-1]  # a final dot makes a name unambiguous
    bad = next((part for part in parts if not is_label(part)), None)
    return None if bad is None else f"domain name {domain!r} has the invalid label {bad!r}"


def _length(name: str) -> str | None:
    if len(name) > _MAX_NAME:
        return f"domain name {name!r} is longer than {_MAX_NAME}"
    return None if name else "the domain name is empty"


def fqdn(name: str) -> str | None:
    """A full domain name."""
    return _length(name) or _dns_labels(name)


def wildcard_domain(name: str) -> str | None:
    """A full domain name, or one whose first label is or starts with `*`."""
    problem = _length(name)
    if problem is not None:
        return problem
    first, dot, rest = name.partition(".")
    if len(first) > _MAX_LABEL or _WILDCARD.fullmatch(first) is None:
        return f"domain name {name!r} has the invalid label {first!r}"
    return _dns_labels(rest) if dot else None


def gateway_route_domain(name: str, *, is_sni: bool) -> str | None:
    """A host of a VirtualService of gateways: where it is an SNI name, `outbound_.PORT_._.HOST` as well."""
    if not (is_sni and name.startswith("outbound_")):
        return wildcard_domain(name)
    parts = name.split("_")
    if len(parts) < _SNI_PARTS:
        return f"domain name {name} is not of the form outbound_.PORT_._.HOST"
    port, host = parts[1].strip("."), parts[3].strip(".")
    if not re.search(r"[0-9]", port) or not re.search(r"[a-zA-Z]", host):
        return f"domain name {name!r} is not of the form outbound_.PORT_._.HOST"
    return _length(name)


def partial_wildcard(host: str) -> str | None:
    """No `*` but alone or as the whole first label."""
    is_partial = "*" in host and len(host) != 1 and not host.startswith("*.")
    return f"partial wildcard {host!r} is not allowed" if is_partial else None


def is_address(value: str) -> bool:
    """Whether a value is an IP address."""
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def address(value: str) -> str | None:
    """An IP address."""
    return None if is_address(value) else f"{value} is no IP address"


def subnet(value: str) -> str | None:
    """An IP address or a range of them (10.0.0.0/8)."""
    if value.count("/") != 1:
        return address(value)
    before, _, bits = value.partition("/")
    is_number = bits.isascii() and bits.isdigit() and (bits == "0" or not bits.startswith("0"))
    if is_number and is_address(before) and "%" not in before:
        most = 32 if ipaddress.ip_address(before).version == 4 else 128
        if int(bits) <= most:
            return None
    return f"{value} is no IP range"


def unix_path(value: str) -> str | None:
    """The path of a Unix domain socket; abstract ones start with `@`."""
    if not value:
        return "the Unix address is empty"
    if value.startswith("@") or (value.startswith("/") and not value.endswith("/")):
        return None
    return f"{value} is no absolute path of a file"


def port(number: int) -> str | None:
    """A port number."""
    return None if 1 <= number <= _MAX_PORT else f"port {number} is not in 1..65535"


def port_name(name: str) -> str | None:
    """The name of a port."""
    return None if is_label(name) else f"invalid port name {name!r}"


def nanoseconds(value: str) -> int | None:
    """A duration (`1.5s`, `1m30s`) in nanoseconds; null where it is none."""
    sign = -1 if value.startswith("-") else 1
    rest = value.lstrip("+-")
    if rest == "0":
        return 0
    total, end = 0.0, 0
    for part in _DURATION_PART.finditer(rest):
        if part.start() != end:
            return None
        total += float(part[1]) * _NANOSECONDS[part[2]]
        end = part.end()
    return sign * round(total) if rest and end == len(rest) else None


def duration(value: object) -> str | None:
    """A duration of at least, and in, whole milliseconds."""
    found = nanoseconds(value) if isinstance(value, str) else None
    if found is None:
        return f"{value!r} is no duration"
    if found < _MILLISECOND_NS:
        return "a duration must be at least 1ms"
    return "a duration must be in whole milliseconds" if found % _MILLISECOND_NS else None


def labels(values: Mapping[str, str]) -> Iterator[str]:
    """Keys and values of labels."""
    for key, value in values.items():
        match = _LABEL_KEY.fullmatch(key)
        if match is None:
            yield f"invalid label key {key!r}"
        elif len(match["prefix"] or "") - 1 > _MAX_PREFIX or len(match["name"]) > _MAX_LABEL:
            yield f"label key {key!r} is too long"
        if _LABEL_VALUE.fullmatch(value) is None:
            yield f"invalid label value {value!r}"


@lru_cache(maxsize=4096)
def regular_expression(pattern: str, where: str) -> str | None:
    """A regular expression as RE2 reads it."""
    if len(pattern) > _MAX_REGEX:
        return f"the regular expression of {where} is longer than {_MAX_REGEX}"
    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid as error:
        return f"the regular expression {pattern!r} of {where} is invalid: {str(error).rpartition(':')[2].strip()}"
    return None


def percentage(value: float) -> str | None:
    """A share of 0, or of 0.0001 to 100 percent."""
    is_valid = value == 0 or 0.0001 <= value <= 100
    return None if is_valid else f"percentage {value} is neither 0 nor in 0.0001..100"


def whole_percent(value: int) -> str | None:
    """A whole percentage."""
    return None if 0 <= value <= 100 else f"percentage {value} is not in 0..100"
