"""Whether a request meets the fields of an AuthorizationPolicy's rule, and which field fails.

Source: istio/istio `pilot/pkg/security/authz/model/model.go`, `generator.go` and `pkg/config/security`; string fields
take a name, a prefix (`a*`), a suffix (`*a`) or `*` (any that is there).
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from analyzers.mesh.matching import Answer, every, expression_match, negated, some
from analyzers.mesh.objects import Json, mapping, mappings, text, texts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: Fields that only HTTP requests have; on TCP a rule with one of them matches nothing.
HTTP_FIELDS: Final = frozenset(
    {
        "requestPrincipals",
        "notRequestPrincipals",
        "remoteIpBlocks",
        "notRemoteIpBlocks",
        "hosts",
        "notHosts",
        "methods",
        "notMethods",
        "paths",
        "notPaths",
    }
)
_HTTP_CONDITIONS: Final = ("request.", "remote.ip", "experimental.envoy.filters.")


@dataclass(frozen=True, slots=True)
class Call:
    """A call that a policy decides on.

    `principal` is the client's identity (`cluster.local/ns/web/sa/site`): empty without mTLS, null where not known.
    `port` is that of the workload. Null elsewhere: not known. `is_http` is false for opaque connections.
    """

    principal: str | None
    port: int | None = None
    method: str | None = None
    path: str | None = None
    host: str | None = None
    headers: Mapping[str, str] | None = None
    source_ip: str | None = None
    remote_ip: str | None = None
    request_principal: str | None = None
    server_name: str | None = None
    is_http: bool = True

    @property
    def namespace(self) -> str | None:
        """The client's namespace, as its identity says it."""
        return _part(self.principal, "ns")

    @property
    def service_account(self) -> str | None:
        """The client's service account, as `namespace/name`."""
        name = _part(self.principal, "sa")
        return f"{self.namespace}/{name}" if name else name


@dataclass(frozen=True, slots=True)
class Failure:
    """A field that a call does not meet: its path, what is wanted, and what the call has."""

    path: str
    wanted: tuple[str, ...]
    found: str


@dataclass(frozen=True, slots=True)
class Match:
    """Whether a rule matches, and the fields that a call fails (those of its nearest alternatives)."""

    answer: Answer
    failures: tuple[Failure, ...] = ()


def rule_match(rule: Mapping[str, Json], path: str, call: Call, *, is_deny: bool = False) -> Match:
    """Whether a call matches a rule: one `from`, one `to`, and all of `when`.

    On TCP, fields of HTTP make an ALLOW rule match nothing and are left out of a DENY rule.
    """
    near = [
        _nearest(rule, path, part, inner, call, is_deny=is_deny)
        for part, inner in (("from", "source"), ("to", "operation"))
    ]
    for number, condition in mappings(rule.get("when")):
        near.append(_condition(condition, f"{path}/when[{number}]", call, is_deny=is_deny))
    return Match(every(one.answer for one in near), tuple(failure for one in near for failure in one.failures))


def has_http_field(rule: Mapping[str, Json]) -> bool:
    """Whether a rule asks for what only HTTP has."""
    for part, inner in (("from", "source"), ("to", "operation")):
        for _, item in mappings(rule.get(part)):
            if HTTP_FIELDS & {key for key, value in mapping(item.get(inner)).items() if value}:
                return True
    return any(
        (text(condition.get("key")) or "").startswith(_HTTP_CONDITIONS) for _, condition in mappings(rule.get("when"))
    )


def matches_text(pattern: str, value: str, *, ignore_case: bool = False) -> bool:
    """Whether a field's pattern takes in a value."""
    if ignore_case:
        pattern, value = pattern.lower(), value.lower()
    if pattern == "*":
        return bool(value)
    if pattern.startswith("*"):
        return value.endswith(pattern[1:])
    return value.startswith(pattern[:-1]) if pattern.endswith("*") else value == pattern


def _nearest(rule: Mapping[str, Json], path: str, part: str, inner: str, call: Call, *, is_deny: bool) -> Match:
    found = [
        _fields(mapping(item.get(inner)), f"{path}/{part}[{number}]/{inner}", call, is_deny=is_deny)
        for number, item in mappings(rule.get(part))
    ]
    if not found:
        return Match(True)
    answer = some(one.answer for one in found)
    return Match(answer, () if answer else min((one.failures for one in found), key=len))


def _fields(fields: Mapping[str, Json], path: str, call: Call, *, is_deny: bool) -> Match:
    answers: list[Answer] = []
    failures: list[Failure] = []
    for name, value in fields.items():
        wanted = texts(value)
        if not wanted:
            continue
        if name in HTTP_FIELDS and not call.is_http:
            answer: Answer = is_deny
            shown = "a TCP connection"
        else:
            answer, shown = _field(name, wanted, call)
        answers.append(answer)
        if answer is False:
            failures.append(Failure(f"{path}/{name}", wanted, shown))
    return Match(every(answers), tuple(failures))


def _field(name: str, wanted: tuple[str, ...], call: Call) -> tuple[Answer, str]:
    """Whether one of the wanted values is there, and what is there in words. A field that is not known: unknown."""
    if name.startswith("not") and name[3:4].isupper():
        plain = f"{name[3].lower()}{name[4:]}"
        answer, shown = _field(plain, wanted, call)
        return negated(answer), shown
    known = _FIELDS.get(name)
    if known is None:
        return None, ""
    read, judge = known
    value = read(call)
    if value is None:
        return None, "unknown"
    return some(judge(pattern, value) for pattern in wanted), value or "nothing"


def _condition(condition: Mapping[str, Json], path: str, call: Call, *, is_deny: bool) -> Match:
    key = text(condition.get("key")) or ""
    if key.startswith(_HTTP_CONDITIONS) and not call.is_http:
        shown = Failure(f"{path}/key", (key,), "a TCP connection")
        return Match(True) if is_deny else Match(False, (shown,))
    answers: list[Answer] = []
    failures: list[Failure] = []
    for field in ("values", "notValues"):
        wanted = texts(condition.get(field))
        if wanted:
            answer, shown_value = _condition_value(key, wanted, call)
            answer = negated(answer) if field == "notValues" else answer
            answers.append(answer)
            if answer is False:
                failures.append(Failure(f"{path}/{field}", wanted, shown_value))
    return Match(every(answers), tuple(failures))


def _condition_value(key: str, wanted: tuple[str, ...], call: Call) -> tuple[Answer, str]:
    field = _CONDITIONS.get(key)
    if field is not None:
        return _field(field, wanted, call)
    if key.startswith("request.headers[") and call.headers is not None:
        name = key.removeprefix("request.headers[").removesuffix("]").lower()
        value = {header.lower(): found for header, found in call.headers.items()}.get(name)
        return (False, "nothing") if value is None else (some(matches_text(one, value) for one in wanted), value)
    return None, "unknown"


def _matches_path(pattern: str, path: str) -> Answer:
    if "{*}" not in pattern and "{**}" not in pattern:
        return matches_text(pattern, path)
    return expression_match(_template(pattern), path)


def _template(pattern: str) -> str:
    """The expression of a path template: `{*}` is one segment, `{**}` any number."""
    wildcards = {"{*}": "[^/]+", "{**}": ".*"}
    return "".join(wildcards.get(piece) or re.escape(piece) for piece in re.split(r"(\{\*\*?\})", pattern))


def _matches_host(pattern: str, host: str) -> Answer:
    # A host may carry a port, which policies must spell out or leave to a wildcard.
    return matches_text(pattern, host, ignore_case=True)


def _matches_account(pattern: str, account: str) -> Answer:
    return matches_text(pattern, account) if "/" in pattern else matches_text(pattern, account.partition("/")[2])


def _in_block(block: str, address: str) -> Answer:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(block, strict=False)
    except ValueError:
        return None


def _part(principal: str | None, name: str) -> str | None:
    """The part of an identity `trust-domain/ns/NAMESPACE/sa/ACCOUNT`; empty where there is no identity."""
    if principal is None:
        return None
    parts = principal.split("/")
    return parts[parts.index(name) + 1] if name in parts[:-1] else ""


_FIELDS: Final[dict[str, tuple[Callable[[Call], str | None], Callable[[str, str], Answer]]]] = {
    "principals": (lambda call: call.principal, matches_text),
    "requestPrincipals": (lambda call: call.request_principal, matches_text),
    "namespaces": (lambda call: call.namespace, matches_text),
    "serviceAccounts": (lambda call: call.service_account, _matches_account),
    "ipBlocks": (lambda call: call.source_ip, _in_block),
    "remoteIpBlocks": (lambda call: call.remote_ip, _in_block),
    "hosts": (lambda call: call.host, _matches_host),
    "ports": (lambda call: None if call.port is None else str(call.port), str.__eq__),
    "methods": (lambda call: call.method, matches_text),
    "paths": (lambda call: call.path, _matches_path),
    "serverNames": (lambda call: call.server_name, matches_text),
}
_CONDITIONS: Final = {
    "source.ip": "ipBlocks",
    "remote.ip": "remoteIpBlocks",
    "source.namespace": "namespaces",
    "source.principal": "principals",
    "source.serviceAccount": "serviceAccounts",
    "request.auth.principal": "requestPrincipals",
    "destination.port": "ports",
    "connection.sni": "serverNames",
}
