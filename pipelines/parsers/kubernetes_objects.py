"""From a decoded Kubernetes or Istio object to one row of `MESH_OBJECT_FIELDS`, or the reason why it is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from pipelines.parsers.kubernetes_redaction import LAST_APPLIED, is_secret, object_json
from pipelines.parsers.kubernetes_versions import observed, rfc3339_microseconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelines.parsers.yaml_values import Value

_LIST = "List"
_KUSTOMIZE = "kustomize.config.k8s.io/"
_MAX_INT64 = 2**63 - 1
_OTHER_DOCUMENTS = (
    "not a Kubernetes object but ",
    "not a Kubernetes object: it has neither",
    "not a Kubernetes object: it has no kind",  # a Chart.yaml has an apiVersion
    "a kustomization",
    "a kubeconfig",
    "a Helm or Go template",
    "the API's answer",
)
_NEVER_IN_A_CLUSTER = (": not an object of a cluster", ": it was never created in a cluster")


class NotAnObjectError(ValueError):
    """A value that is no object of a cluster; the message says why and, where that is known, what to do."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where, how and when an object was seen: `stated` is the record's own time in Unix microseconds."""

    source_offset: int
    event: str
    stated: int | None = None
    cluster: str | None = None


class ListKind(NamedTuple):
    """What the entries of a list are where they do not say so themselves: a `PodList` holds Pods."""

    api_version: str | None
    kind: str | None


UNTYPED = ListKind(None, None)


def list_kind(api_version: Value, kind: Value) -> ListKind | None:
    """What a value with that kind and `items` is a list of; None where it is an object like any other."""
    if not isinstance(kind, str) or not kind.endswith(_LIST):
        return None
    if kind == _LIST or not isinstance(api_version, str):
        return UNTYPED
    return ListKind(api_version, kind.removesuffix(_LIST))


def object_row(value: Value, sighting: Sighting, within: ListKind = UNTYPED) -> tuple[object, ...]:
    """The row of `source_offset` and `MESH_OBJECT_FIELDS`. Raises NotAnObjectError."""
    if not isinstance(value, dict):
        raise NotAnObjectError(f"not a Kubernetes object but {_described(value)}")
    api_version = value.get("apiVersion") or within.api_version
    kind = value.get("kind") or within.kind
    metadata = value.get("metadata")
    _check_type(value, api_version, kind)
    if not isinstance(metadata, dict):
        raise NotAnObjectError(f"{kind} has no metadata: not an object of a cluster")
    name = _name(metadata, kind)
    whole: dict[str, Value] = {**value, "apiVersion": api_version, "kind": kind}
    annotations = _labels(metadata, "annotations")
    if is_secret(whole):
        annotations.pop(LAST_APPLIED, None)
    time = observed(metadata, sighting.event, sighting.stated)
    owner = _controller(metadata)
    return (
        sighting.source_offset,
        api_version,
        kind,
        _text(metadata, "namespace") or None,
        name,
        _text(metadata, "uid"),
        _text(metadata, "resourceVersion"),
        _generation(metadata),
        rfc3339_microseconds(metadata.get("creationTimestamp")),
        time.microseconds,
        time.exact,
        sighting.event,
        _labels(metadata, "labels"),
        annotations,
        _text(owner, "kind"),
        _text(owner, "name"),
        object_json(whole),
        sighting.cluster,
    )


def _check_type(value: Mapping[str, Value], api_version: Value, kind: Value) -> None:
    if api_version is None and kind is None:
        raise NotAnObjectError(
            "not a Kubernetes object: it has neither apiVersion nor kind (Helm values, another tool's configuration)"
        )
    for field, given in (("apiVersion", api_version), ("kind", kind)):
        if given is None:
            raise NotAnObjectError(f"not a Kubernetes object: it has no {field}")
        if not isinstance(given, str):
            raise NotAnObjectError(f"not a Kubernetes object: {field} is {_described(given)}, not text")
    if str(api_version).startswith(_KUSTOMIZE):
        raise NotAnObjectError("a kustomization, not an object: build it first (kubectl kustomize DIR)")
    if kind == "Config" and "clusters" in value:
        raise NotAnObjectError("a kubeconfig, not an object of a cluster")
    if kind == "Status":
        raise NotAnObjectError(f"the API's answer, not an object: {str(value.get('message'))[:500]}")


def _name(metadata: Mapping[str, Value], kind: Value) -> str:
    name = metadata.get("name")
    if not name:
        if metadata.get("generateName"):
            raise NotAnObjectError(f"{kind} has only a generateName: it was never created in a cluster")
        raise NotAnObjectError(f"{kind} has no metadata.name")
    if not isinstance(name, str):
        raise NotAnObjectError(f"{kind} has a metadata.name that is {_described(name)}, not text: quote it")
    if "{{" in name:
        raise NotAnObjectError("a Helm or Go template, not an object: render it first (helm template CHART)")
    return name


def _labels(metadata: Mapping[str, Value], field: str) -> dict[str, str | None]:
    entries = metadata.get(field)
    if entries is None:
        return {}
    if not isinstance(entries, dict):
        raise NotAnObjectError(f"metadata.{field} is {_described(entries)}, not a mapping")
    return {key: entry if entry is None or isinstance(entry, str) else _json(entry) for key, entry in entries.items()}


def _text(mapping: Mapping[str, Value], field: str) -> str | None:
    value = mapping.get(field)
    return value if value is None or isinstance(value, str) else _json(value)


def _generation(metadata: Mapping[str, Value]) -> int | None:
    value = metadata.get("generation")
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value <= _MAX_INT64 else None


def _controller(metadata: Mapping[str, Value]) -> Mapping[str, Value]:
    references = metadata.get("ownerReferences")
    entries = references if isinstance(references, list) else []
    return next((entry for entry in entries if isinstance(entry, dict) and entry.get("controller") is True), {})


def _json(value: Value) -> str:
    return msgspec.json.encode(value).decode()


def _described(value: Value) -> str:
    match value:
        case None:
            return "empty"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case str():
            return "text"
        case bool():
            return "a boolean"
        case _:
            return "a number"


def is_other_document(reason: str) -> bool:
    """Whether a reject's reason says that the document is meant for another tool, rather than an object gone wrong."""
    return reason.startswith(_OTHER_DOCUMENTS) or any(part in reason for part in _NEVER_IN_A_CLUSTER)
