"""What is written of a live cluster: one JSON line an event, free of secrets, as `meshlens ingest` reads it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from pipelines.parsers.kubernetes_redaction import LAST_APPLIED, object_json

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Names of environment variables whose values are better not kept.
_SENSITIVE: Final = re.compile(
    r"PASS|SECRET|TOKEN|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_?KEY|DSN|CONNECTION", re.IGNORECASE
)
#: Where the containers of Pods and of what makes them are.
_POD_SPECS: Final = (
    ("spec",),
    ("spec", "template", "spec"),
    ("spec", "jobTemplate", "spec", "template", "spec"),
)
_HELM_RELEASE: Final = "release"


def event_line(
    kind: str, written: Mapping[str, Any], cluster: str | None, observed_at: datetime | None = None
) -> bytes:
    """One event with its newline. `kind` is ADDED, MODIFIED or DELETED."""
    time = (observed_at or datetime.now(UTC)).isoformat(timespec="microseconds").replace("+00:00", "Z")
    event: dict[str, object] = {"type": kind, "observed_at": time}
    if cluster is not None:
        event["cluster"] = cluster
    event["object"] = msgspec.Raw(object_json(without_credentials(written)).encode())
    return msgspec.json.encode(event) + b"\n"


def without_credentials(written: Mapping[str, Any]) -> dict[str, Any]:
    """A copy without what may hold credentials beside Secrets' values, which are taken out where it is written.

    That is the annotation that repeats the object, environment variables with telling names, and Helm's releases in
    ConfigMaps.
    """
    copy = dict(written)
    metadata = copy.get("metadata")
    if isinstance(metadata, dict) and isinstance(annotations := metadata.get("annotations"), dict):
        kept = {key: value for key, value in annotations.items() if key != LAST_APPLIED}
        copy["metadata"] = {**metadata, "annotations": kept}
    if copy.get("kind") == "ConfigMap" and isinstance(data := copy.get("data"), dict) and _HELM_RELEASE in data:
        copy["data"] = {**data, _HELM_RELEASE: ""}
    for path in _POD_SPECS:
        copy = _without_values(copy, path)
    return copy


def _without_values(value: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """The mapping with the pod spec beneath `path`, where there is one, made anew."""
    if path:
        inner = value.get(path[0])
        return {**value, path[0]: _without_values(inner, path[1:])} if isinstance(inner, dict) else value
    changed = {
        part: [_container(item) for item in value[part]]
        for part in ("containers", "initContainers", "ephemeralContainers")
        if isinstance(value.get(part), list)
    }
    return {**value, **changed}


def _container(container: object) -> object:
    if not isinstance(container, dict) or not isinstance(container.get("env"), list):
        return container
    return {**container, "env": [_variable(item) for item in container["env"]]}


def _variable(variable: object) -> object:
    if isinstance(variable, dict) and "value" in variable and _SENSITIVE.search(str(variable.get("name"))):
        return {**variable, "value": "redacted"}
    return variable
