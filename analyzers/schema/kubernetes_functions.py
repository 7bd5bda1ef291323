"""What Kubernetes adds to CEL: functions over lists, regular expressions, URLs, IP addresses, networks and sets.

Source: https://kubernetes.io/docs/reference/using-api/cel/#cel-options-language-features-and-libraries. A URL, address
or network stays the text it was parsed from. `quantity`, `semver`, named formats, the authorizer and positions in lists
(`indexOf`) are not there: rules that use them are said not to be evaluated.
"""

from __future__ import annotations

import ipaddress
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import SplitResult, urlsplit

from cel_expr_python import cel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from analyzers.schema.names import Value

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_TEXT: Final = cel.Type.STRING
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_HOST: Final = re.compile(r"(?:[^@]*@)?(?:\[[0-9A-Fa-f:.%]*\]|[^\[\]:<>\"\\^`{|} ]*)(?::[0-9]*)?")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def split_url(text: str) -> SplitResult:
    """A URL as Go's `url.ParseRequestURI` takes it: with a scheme, or an absolute path.

    Raises:
        ValueError: it is none.
    """
    if _CONTROL.search(text) or not (text.startswith("/") or _SCHEME.match(text)):
        raise ValueError(f"{text[:200]!r} is no URL")
    parts = urlsplit(text)
    if not _HOST.fullmatch(parts.netloc):
        raise ValueError(f"{text[:200]!r} has no valid host")
    return parts


def _checked_url(text: str) -> str:
    split_url(text)
    return text


def _is(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def answer(text: str) -> bool:
        try:
            parse(text)
        except ValueError:
            return False
        return True

    return answer


def _host(text: str) -> str:
    return split_url(text).netloc.rpartition("@")[2]


def _hostname(text: str) -> str:
    host = _host(text)
    return host[1 : host.index("]")] if host.startswith("[") else host.partition(":")[0]


def _port(text: str) -> str:
    return _host(text).rpartition("]")[2].rpartition(":")[2] if ":" in _host(text).rpartition("]")[2] else ""


def _address(text: str) -> Address:
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address) and (address.scope_id or address.ipv4_mapped):
        raise ValueError(f"{text[:200]!r} has a zone or is an IPv4 address in IPv6")
    return address


def _network(text: str) -> Network:
    if "/" not in text or not text.rpartition("/")[2].isdecimal():
        raise ValueError(f"{text[:200]!r} is no network")
    return ipaddress.ip_network(text, strict=False)


def _text_of_network(text: str) -> str:
    _network(text)
    return text


def _contains_ip(network: str, address: str) -> bool:
    return _address(address) in _network(network)


def _contains_network(outer: str, inner: str) -> bool:
    one, other = _network(outer), _network(inner)
    return one.version == other.version and other.subnet_of(one)  # type: ignore[arg-type]  # of one version


def _is_sorted(values: Sequence[Value]) -> bool:
    return all(one <= other for one, other in pairwise(values))


def _lowest(values: Sequence[Value]) -> Value:
    if not values:
        raise ValueError("min called on an empty list")
    return min(values)


def _highest(values: Sequence[Value]) -> Value:
    if not values:
        raise ValueError("max called on an empty list")
    return max(values)


def _contains_all(values: Sequence[Value], wanted: Sequence[Value]) -> bool:
    return all(item in values for item in wanted)


def _equivalent(one: Sequence[Value], other: Sequence[Value]) -> bool:
    return _contains_all(one, other) and _contains_all(other, one)


def _intersects(one: Sequence[Value], other: Sequence[Value]) -> bool:
    return any(item in one for item in other)


def _function(name: str, parameters: Sequence[cel.Type], result: cel.Type, *, member: bool, run: Value) -> Value:
    kinds = "_".join(kind.name().lower() for kind in parameters)
    overload = cel.Overload(
        f"kubernetes_{name}_{kinds}", return_type=result, parameters=list(parameters), is_member=member, impl=run
    )
    return cel.FunctionDecl(name, [overload])


def _functions() -> tuple[Value, ...]:
    boolean, whole, dynamic, many = cel.Type.BOOL, cel.Type.INT, cel.Type.DYN, cel.Type.LIST
    free = [
        ("url", [_TEXT], _TEXT, _checked_url),
        ("isURL", [_TEXT], boolean, _is(split_url)),
        ("ip", [_TEXT], _TEXT, lambda text: str(_address(text))),
        ("isIP", [_TEXT], boolean, _is(_address)),
        ("ip.isCanonical", [_TEXT], boolean, lambda text: str(_address(text)) == text),
        ("cidr", [_TEXT], _TEXT, _text_of_network),
        ("isCIDR", [_TEXT], boolean, _is(_network)),
        ("sets.contains", [many, many], boolean, _contains_all),
        ("sets.equivalent", [many, many], boolean, _equivalent),
        ("sets.intersects", [many, many], boolean, _intersects),
    ]
    members = [
        ("getScheme", [_TEXT], _TEXT, lambda text: split_url(text).scheme),
        ("getHost", [_TEXT], _TEXT, _host),
        ("getHostname", [_TEXT], _TEXT, _hostname),
        ("getPort", [_TEXT], _TEXT, _port),
        ("getEscapedPath", [_TEXT], _TEXT, lambda text: split_url(text).path),
        ("family", [_TEXT], whole, lambda text: _address(text).version),
        ("isUnspecified", [_TEXT], boolean, lambda text: _address(text).is_unspecified),
        ("isLoopback", [_TEXT], boolean, lambda text: _address(text).is_loopback),
        ("isLinkLocalUnicast", [_TEXT], boolean, lambda text: _address(text).is_link_local),
        ("containsIP", [_TEXT, _TEXT], boolean, _contains_ip),
        ("containsCIDR", [_TEXT, _TEXT], boolean, _contains_network),
        ("prefixLength", [_TEXT], whole, lambda text: _network(text).prefixlen),
        ("masked", [_TEXT], _TEXT, lambda text: str(_network(text))),
        ("isSorted", [many], boolean, _is_sorted),
        ("sum", [many], dynamic, sum),
        ("min", [many], dynamic, _lowest),
        ("max", [many], dynamic, _highest),
    ]
    return (
        *(_function(name, parameters, result, member=False, run=run) for name, parameters, result, run in free),
        *(_function(name, parameters, result, member=True, run=run) for name, parameters, result, run in members),
    )


#: Declarations for the environment of rules.
FUNCTIONS: Final = _functions()
