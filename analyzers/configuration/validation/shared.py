"""What validators of several kinds have in common: selectors, exportTo, target references, TLS, gateways' names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.validation.problems import Problem, at, doubt
from analyzers.configuration.validation.values import (
    address,
    fqdn,
    is_address,
    is_label,
    labels,
    partial_wildcard,
    wildcard_domain,
)
from analyzers.mesh.objects import mapping, mappings, strings, text, texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analyzers.configuration.validation.problems import Problems
    from analyzers.mesh.objects import Json, MeshObject

#: Kind and group of what policies can be attached to.
_TARGETS: Final = frozenset(
    {
        ("Service", ""),
        ("Service", "core"),
        ("ServiceEntry", "networking.istio.io"),
        ("Gateway", "gateway.networking.k8s.io"),
        ("GatewayClass", "gateway.networking.k8s.io"),
    }
)


def label_problems(path: str, value: object) -> Problems:
    """Labels whose keys or values are none."""
    return (Problem(path, message) for message in labels(strings(value)))


def selector_problems(path: str, selector: object, key: str) -> Problems:
    """Keys and values of a workload selector's labels (under `key`), which may hold no wildcard."""
    for name, value in strings(mapping(selector).get(key)).items():
        if not name:
            yield Problem(f"{path}/{key}", f"an empty key is not supported in a selector ({name}={value})")
        if "*" in name or "*" in value:
            yield Problem(f"{path}/{key}", f"a wildcard is not supported in a selector ({name}={value})")


def policy_selector(item: MeshObject) -> Problems:
    """`selector`, `targetRef` and `targetRefs` of a policy: at most one of them, each well-formed."""
    selector, reference = item.spec.get("selector"), item.spec.get("targetRef")
    references = [value for _, value in mappings(item.spec.get("targetRefs"))]
    if sum((selector is not None, reference is not None, bool(references))) > 1:
        yield Problem("spec/targetRefs", "only one of targetRefs and selector can be set")
    yield from match_labels(selector)
    if reference is not None:
        yield from _target("spec/targetRef", reference)
    for position, value in enumerate(references):
        yield from _target(f"spec/targetRefs[{position}]", value)


def match_labels(selector: object) -> Problems:
    """`spec.selector` of an object."""
    if selector is None:
        return
    yield from selector_problems("spec/selector", selector, "matchLabels")
    if not mapping(mapping(selector).get("matchLabels")):
        yield doubt("spec/selector", "a workload selector without labels selects everything")


def _target(path: str, value: object) -> Problems:
    reference = mapping(value)
    if not text(reference.get("name")):
        yield Problem(path, "targetRef names nothing")
    if text(reference.get("namespace")):
        yield Problem(path, "targetRef cannot name another namespace")
    kind, group = text(reference.get("kind")) or "", text(reference.get("group")) or ""
    if (kind, group) not in _TARGETS:
        yield Problem(path, f"targetRef cannot name a {group}/{kind}")


def export_to(item: MeshObject, *, allows_none: bool = False, has_selector: bool = False) -> Problems:
    """`spec.exportTo`: namespaces, `.`, `*` alone, `~` alone where it is allowed."""
    path = "spec/exportTo"
    given = texts(item.spec.get("exportTo"))
    known: set[str] = set()
    for scope in given:
        key = item.namespace if scope == "." else scope
        if key in known:
            yield Problem(path, f"exportTo names {scope} twice (`.` is {item.namespace})")
        elif (allows_none and scope == "~") or key in {".", "*"} or is_label(key):
            known.add(key)
        else:
            yield Problem(path, f"{key} of exportTo is no namespace")
    if has_selector and known:
        if item.namespace not in known:
            yield Problem(path, "a rule with a workload selector cannot be exported beyond its namespace")
        elif len(known) > 1:
            yield Problem(path, "a rule with a workload selector cannot be exported to several namespaces")
    if "*" in known and len(given) > 1:
        yield Problem(path, "exportTo cannot hold both `*` and namespaces")
    if "~" in known and len(given) > 1:
        yield Problem(path, "exportTo cannot hold both `~` and anything else")


def gateway_names(path: str, names: Sequence[str]) -> Problems:
    """Names of gateways, `name` or `namespace/name`. Behind the first plain name istiod looks at none."""
    for name in names:
        namespace, slash, short = name.partition("/")
        if not slash:
            if "." in name:
                yield doubt(path, f"gateway {name!r} is in the old form; write NAMESPACE/NAME")
            yield from at(path, fqdn(name))
            return
        if not namespace or not short:
            yield Problem(path, "namespace and name of a gateway cannot be empty")
        if not is_label(namespace):
            yield Problem(path, f"invalid namespace {namespace!r} of a gateway")
        if not is_label(short):
            yield Problem(path, f"invalid name {short!r} of a gateway")


def scoped_host(path: str, value: str, *, is_gateway: bool) -> Problems:
    """`namespace/host`, as Sidecars and Gateways name hosts; for a Gateway the host alone will do."""
    namespace, slash, host = value.partition("/")
    if not slash:
        if is_gateway:
            yield from _host_part(path, value, is_gateway=True)
        else:
            yield Problem(path, "a host must be of the form NAMESPACE/NAME")
        return
    if not namespace or not host:
        yield Problem(path, "namespace and name of a host cannot be empty")
    if namespace not in ({"*", "."} if is_gateway else {"*", ".", "~"}) and not is_label(namespace):
        yield Problem(path, f"invalid namespace {namespace!r} of a host")
    yield from _host_part(path, host, is_gateway=is_gateway)


def _host_part(path: str, host: str, *, is_gateway: bool) -> Problems:
    if host != "*" and "." not in host:
        yield Problem(path, "short names are not allowed")
    problem = wildcard_domain(host)
    if problem is not None and not (is_gateway and is_address(host)):
        yield Problem(path, problem)
    yield from at(path, partial_wildcard(host))


def bind_address(path: str, value: str) -> Problems:
    """An address that a listener binds to, where one is given."""
    return at(path, address(value)) if value else iter(())


def elements(value: Json) -> list[Json]:
    """The elements of a list, nulls too."""
    return list(value) if isinstance(value, list | tuple) else []
