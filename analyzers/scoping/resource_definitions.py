"""Manifests against the users' own CustomResourceDefinitions: their cluster decides what it takes, not our schema.

A definition's `openAPIV3Schema` is read as the API server reads it under strict field validation (Kubernetes:
structural schemas): a field that is not named is refused unless `x-kubernetes-preserve-unknown-fields` or
`additionalProperties` says otherwise. CEL rules (`x-kubernetes-validations`) are not evaluated.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import jsonschema

from analyzers.scoping.model import Reason
from pipelines.parsers.kubernetes import parse_kubernetes_json, parse_kubernetes_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from analyzers.scoping.model import Recommendation
    from pipelines.lake.session import Session

#: (apiVersion, kind) -> schema of the whole object.
Schemas = dict[tuple[str, str], dict[str, Any]]

KIND: Final = "CustomResourceDefinition"
_SUFFIXES: Final = frozenset({".yaml", ".yml", ".json"})


class DefinitionError(ValueError):
    """A file of definitions that cannot be used; the message names it and the reason."""


def definitions_in(session: Session) -> Schemas:
    """Schemas of the definitions in the lake."""
    rows = session.query("resource_definitions").to_pylist()
    return schemas_of(json.loads(row["object_json"]) for row in rows)


def read_definitions(paths: Iterable[Path]) -> Schemas:
    """Schemas of the definitions in files, and in the YAML and JSON files beneath folders.

    Raises:
        DefinitionError: a path does not exist, a document is no object, or there is no definition in it.
    """
    schemas: Schemas = {}
    for path in paths:
        found = schemas_of(definition for file in _files(path) for definition in _definitions(file))
        if not found:
            raise DefinitionError(
                f"{path}: there is no {KIND} with a schema; give what `kubectl get crd -o yaml` prints"
            )
        schemas |= found
    return schemas


def schemas_of(definitions: Iterable[Mapping[str, Any]]) -> Schemas:
    """The schema of every served version, closed against unknown fields."""
    schemas: Schemas = {}
    for definition in definitions:
        spec = definition.get("spec", {})
        for version in spec.get("versions", []):
            schema = version.get("schema", {}).get("openAPIV3Schema")
            if schema is not None and version.get("served", True):
                schemas[f"{spec['group']}/{version['name']}", spec["names"]["kind"]] = closed(schema)
    return schemas


def closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A structural schema as JSON Schema that refuses what is not named."""
    found = {
        key: value for key, value in schema.items() if not key.startswith("x-") and key not in {"format", "nullable"}
    }
    if "properties" in schema:
        found["properties"] = {name: closed(inner) for name, inner in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            found.setdefault("additionalProperties", False)
    if isinstance(schema.get("additionalProperties"), dict):
        found["additionalProperties"] = closed(schema["additionalProperties"])
    if "items" in schema:
        found["items"] = closed(schema["items"])
    if schema.get("x-kubernetes-int-or-string"):
        found.pop("type", None)
        found["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    return {"anyOf": [{"type": "null"}, found]} if schema.get("nullable") else found


def problem_of(manifest: Mapping[str, object], schemas: Schemas) -> str | None:
    """Why the cluster would refuse a manifest; null where it fits, or where no definition speaks of its kind."""
    api_version, kind = str(manifest["apiVersion"]), str(manifest["kind"])
    schema = schemas.get((api_version, kind))
    if schema is None:
        served = sorted(version for version, named in schemas if named == kind)
        return f"{kind}: the cluster does not serve {api_version}, only {', '.join(served)}" if served else None
    # The API server itself checks apiVersion, kind and metadata.
    content: Any = {key: value for key, value in manifest.items() if key not in {"apiVersion", "kind", "metadata"}}
    errors = jsonschema.Draft202012Validator(schema).iter_errors(content)
    first = min(errors, key=lambda error: [str(part) for part in error.absolute_path], default=None)
    if first is None:
        return None
    place = "/".join(str(part) for part in first.absolute_path)
    return f"{kind} at {place or 'its root'}: {first.message}"


def checked(item: Recommendation, schemas: Schemas) -> Recommendation:
    """The recommendation, or an abstention where its manifest would be refused; drafts that would be are left out."""
    entries = tuple(entry for entry in item.service_entries if problem_of(entry, schemas) is None)
    problem = None if item.manifest is None else problem_of(item.manifest, schemas)
    if problem is None:
        return replace(item, service_entries=entries)
    reason = Reason("ABSTAIN", f"the cluster's own definition refuses the manifest: {problem}")
    return replace(
        item,
        verdict="ABSTAIN",
        hosts=(),
        benefit=None,
        manifest=None,
        service_entries=entries,
        reasons=(*item.reasons, reason),
    )


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.suffix in _SUFFIXES and file.is_file())
    if not path.is_file():
        raise DefinitionError(f"{path}: there is no such file or folder")
    return [path]


def _definitions(file: Path) -> Iterator[dict[str, Any]]:
    parse = parse_kubernetes_json if file.suffix == ".json" else parse_kubernetes_yaml
    parsed = parse(file.read_bytes(), 0)
    for reject in parsed.rejected.to_pylist():
        raise DefinitionError(f"{file} at byte {reject['source_offset']}: {reject['reason']}")
    for row in parsed.accepted.to_pylist():
        if row["kind"] == KIND:
            yield json.loads(row["object_json"])
