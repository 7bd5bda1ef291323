"""What istiod says of an AuthorizationPolicy."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from analyzers.configuration.validation.problems import Problem, doubt
from analyzers.configuration.validation.shared import elements, policy_selector
from analyzers.configuration.validation.values import is_address, subnet
from analyzers.mesh.objects import mapping, mappings, text, texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from analyzers.configuration.validation.problems import Problems
    from analyzers.mesh.objects import Json, MeshObject

#: Fields of a source, as pairs of the plain and the negated one.
_IDENTITIES: Final = ("principals", "requestPrincipals", "namespaces", "serviceAccounts")
_RANGES: Final = ("ipBlocks", "remoteIpBlocks")
_OPERATIONS: Final = ("ports", "methods", "paths", "hosts")
_UNSUPPORTED_TEMPLATE: Final = re.compile(r"/\{\w+=\*\*?\}|\{\w*\}|/\*\*?|\*\*?/")
_PORT: Final = re.compile(r"[0-9]+")
_MAX_PORT: Final = 65535
_ACCOUNT_PARTS: Final = 2
#: Attributes of conditions whose values may be anything.
_FREE: Final = frozenset(
    {
        *("source.namespace", "source.principal", "source.serviceAccount", "request.auth.principal"),
        *("request.auth.audiences", "request.auth.presenter", "connection.sni"),
    }
)
_ADDRESSES: Final = frozenset({"source.ip", "remote.ip", "destination.ip"})
_KEYED: Final = ("request.headers", "request.auth.claims", "experimental.envoy.filters.")


def authorization_policy(item: MeshObject) -> Problems:
    """Every problem of an AuthorizationPolicy."""
    spec = item.spec
    yield from policy_selector(item)
    action = text(spec.get("action")) or "ALLOW"
    rules = spec.get("rules")
    is_empty = not elements(rules)
    if action == "CUSTOM":
        yield from _custom(spec)
    elif spec.get("provider") is not None:
        yield Problem("spec/provider", f"a provider goes with the action CUSTOM, not {action}")
    if action == "DENY" and is_empty:
        yield Problem("spec/rules", "DENY without rules never denies; an empty rule denies everything")
    for position, rule in enumerate(elements(rules)):
        path = f"spec/rules[{position}]"
        if rule is None:
            yield Problem(path, f"rule {position} may not be null")
        else:
            yield from _rule(path, position, mapping(rule), denies=action == "DENY")


def _custom(spec: Mapping[str, Json]) -> Problems:
    if not elements(spec.get("rules")):
        yield Problem("spec/rules", "CUSTOM without rules never asks; an empty rule asks for everything")
    elif not text(mapping(spec.get("provider")).get("name")):
        yield Problem("spec/provider/name", "CUSTOM needs the name of a provider")
    for number, rule in mappings(spec.get("rules")):
        path = f"spec/rules[{number}]"
        for _, entry in mappings(rule.get("from")):
            for key in _pairs(_IDENTITIES):
                if elements(mapping(entry.get("source")).get(key)):
                    yield Problem(f"{path}/from", f"{key} is not supported with CUSTOM")
        for _, condition in mappings(rule.get("when")):
            key = text(condition.get("key")) or ""
            named = key in {"source.namespace", "source.serviceAccount", "source.principal"}
            if named or key.startswith("request.auth."):
                yield Problem(f"{path}/when", f"{key} is not supported with CUSTOM")


def _rule(path: str, number: int, rule: Mapping[str, Json], *, denies: bool) -> Problems:
    sources = elements(rule.get("from"))
    operations = elements(rule.get("to"))
    yield from _sources(path, number, sources)
    yield from _operations(path, number, operations)
    for position, condition in enumerate(elements(rule.get("when"))):
        yield from _condition(f"{path}/when[{position}]", mapping(condition))
    has_source = any(mapping(entry).get("source") is not None for entry in sources)
    has_operation = any(mapping(entry).get("operation") is not None for entry in operations)
    of_tcp = (*_pairs(("principals", "namespaces", "serviceAccounts")), *_pairs(_RANGES))
    source_of_tcp = _has(sources, "source", of_tcp)
    operation_of_tcp = _has(operations, "operation", _pairs(("ports",)))
    only_http = (has_source and not has_operation and not source_of_tcp) or (has_operation and not operation_of_tcp)
    if denies and only_http:
        yield doubt(path, "DENY with HTTP attributes only denies all traffic to TCP ports; name the ports as well")


def _has(entries: Sequence[Json], part: str, keys: Sequence[str]) -> bool:
    return any(elements(mapping(mapping(entry).get(part)).get(key)) for entry in entries for key in keys)


def _pairs(keys: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for key in keys for name in (key, f"not{key[0].upper()}{key[1:]}"))


def _sources(path: str, number: int, entries: Sequence[Json]) -> Problems:
    for position, entry in enumerate(entries):
        where = f"{path}/from[{position}]"
        if entry is None or mapping(entry).get("source") is None:
            what = "from" if entry is None else "from.source"
            yield Problem(where, f"{what} of rule {number} may not be null")
            continue
        source = mapping(mapping(entry).get("source"))
        if _any(source, _pairs(("principals", "namespaces"))) and _any(source, _pairs(("serviceAccounts",))):
            yield Problem(where, f"serviceAccounts of rule {number} do not go with namespaces or principals")
        if not _any(source, _pairs((*_IDENTITIES, *_RANGES))):
            yield Problem(where, f"from.source of rule {number} is empty")
        for key in _pairs(_RANGES):
            yield from _ranges(f"{where}/source/{key}", texts(source.get(key)))
        for key in _pairs((*_IDENTITIES, *_RANGES)):
            if key.lower().endswith("serviceaccounts"):
                yield from _accounts(f"{where}/source/{key}", key, texts(source.get(key)))
            else:
                yield from _no_empty(f"{where}/source/{key}", key, texts(source.get(key)))


def _operations(path: str, number: int, entries: Sequence[Json]) -> Problems:
    for position, entry in enumerate(entries):
        where = f"{path}/to[{position}]"
        if entry is None or mapping(entry).get("operation") is None:
            what = "to" if entry is None else "to.operation"
            yield Problem(where, f"{what} of rule {number} may not be null")
            continue
        operation = mapping(mapping(entry).get("operation"))
        if not _any(operation, _pairs(_OPERATIONS)):
            yield Problem(where, f"to.operation of rule {number} is empty")
        for key in _pairs(("ports",)):
            yield from _ports(f"{where}/operation/{key}", texts(operation.get(key)))
        for key in _pairs(_OPERATIONS):
            yield from _no_empty(f"{where}/operation/{key}", key, texts(operation.get(key)))
        for key in _pairs(("paths",)):
            if any(_is_bad_template(value) for value in texts(operation.get(key))):
                yield Problem(f"{where}/operation/{key}", f"unsupported path template in {key}")


def _is_bad_template(value: str) -> bool:
    return ("{*}" in value or "{**}" in value) and _UNSUPPORTED_TEMPLATE.search(value) is not None


def _any(value: Mapping[str, Json], keys: Sequence[str]) -> bool:
    return any(elements(value.get(key)) for key in keys)


def _no_empty(path: str, key: str, values: Sequence[str]) -> Problems:
    if "" in values:
        yield Problem(path, f"an empty value is not allowed in {key}")


def _accounts(path: str, key: str, values: Sequence[str]) -> Problems:
    for value in values:
        parts = value.split("/")
        if not value or "*" in value or len(parts) > _ACCOUNT_PARTS or not all(parts):
            yield Problem(path, f"{value!r} of {key} is neither NAME nor NAMESPACE/NAME")
            return


def _ranges(path: str, values: Sequence[str]) -> Problems:
    for value in values:
        if (subnet(value) is not None) if "/" in value else not is_address(value):
            yield Problem(path, f"{value} is no IP address or range")


def _ports(path: str, values: Sequence[str]) -> Problems:
    for value in values:
        if _PORT.fullmatch(value) is None or int(value) > _MAX_PORT:
            yield Problem(path, f"{value!r} is no port")


def _condition(path: str, condition: Mapping[str, Json]) -> Problems:
    key = text(condition.get("key")) or ""
    if not key:
        yield Problem(path, "the key of a condition cannot be empty")
        return
    given = {name: texts(condition.get(name)) for name in ("values", "notValues")}
    if not any(given.values()):
        yield Problem(path, f"values or notValues are needed for {key}")
        return
    for name, values in given.items():
        problem = next(_attribute(key, values), None)
        if problem is not None:
            yield Problem(f"{path}/{name}", f"{name} of {key}: {problem}")


def _attribute(key: str, values: Sequence[str]) -> Iterator[str]:
    if "" in values:
        yield "an empty value is not allowed"
    elif key.startswith(_KEYED):
        start = key.find("[")
        if not (key.endswith("]") and 0 < start < len(key) - 2):
            yield f"{key} is not of the form a[b]"
    elif key in _ADDRESSES:
        yield from (problem.message for problem in _ranges("", values))
    elif key == "destination.port":
        yield from (problem.message for problem in _ports("", values))
    elif key not in _FREE:
        yield f"{key} is no attribute of conditions"
