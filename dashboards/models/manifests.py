"""Recommended manifests: what changes against the cluster or the run before, and a bundle to download."""

from __future__ import annotations

import difflib
import io
import json
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import yaml

if TYPE_CHECKING:
    from dashboards.models.rows import Row

# The zip format knows no time before 1980 and a bundle of the same manifests should be the same bytes.
_ZIP_TIME: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A unified diff and what the old side is; an empty `diff` means that nothing changes."""

    against: str
    diff: str


def compared(recommendation: Row, sidecars: Sequence[Row]) -> Comparison | None:
    """The recommendation against the Sidecar it would replace or patch, else against the previous recommendation.

    Args:
        recommendation: A row of `dashboard_recommendations` with a manifest.
        sidecars: Rows of `dashboard_sidecars_now` of its namespace.
    """
    manifest = str(recommendation["manifest"])
    document = _document(manifest)
    present = _present(recommendation, document, sidecars)
    if present is not None:
        old = {
            "apiVersion": present["api_version"],
            "kind": "Sidecar",
            "metadata": {"name": present["name"], "namespace": present["namespace"]},
            "spec": json.loads(str(present["spec"] or "{}")),
        }
        # A patch replaces the fields it names and leaves the others.
        kept = old["spec"] if recommendation["kind"] == "SidecarPatch" else {}
        new = {**old, "metadata": _named(document), "spec": {**kept, **_mapping(document.get("spec"))}}
        new["apiVersion"] = document.get("apiVersion", old["apiVersion"])
        return Comparison(
            f"Sidecar {present['namespace']}/{present['name']} in the cluster", _diff(_yaml(old), _yaml(new))
        )
    earlier = recommendation.get("earlier_manifest")
    if isinstance(earlier, str):
        return Comparison("the recommendation before", _diff(earlier, manifest))
    return None


def file_name(recommendation: Row) -> str:
    """A file name for a manifest, of letters, digits, dots, dashes and underscores only."""
    parts = (recommendation["namespace"], recommendation["name"], recommendation["kind"])
    return "-".join(re.sub(r"[^A-Za-z0-9._-]+", "_", str(part)).strip(".") or "_" for part in parts).lower() + ".yaml"


def bundle(recommendations: Iterable[Row]) -> bytes:
    """A zip of all manifests, each a file of its own."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        taken: set[str] = set()
        for row in recommendations:
            if row["manifest"] is None:
                continue
            name = file_name(row)
            while name in taken:
                name = f"_{name}"
            taken.add(name)
            archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), str(row["manifest"]))
    return buffer.getvalue()


def _present(recommendation: Row, document: Mapping[str, object], sidecars: Sequence[Row]) -> Row | None:
    """The Sidecar of the same name, else the one that selects the same pods, else the namespace's default."""
    specs = [(row, _mapping(json.loads(str(row["spec"] or "{}")))) for row in sidecars]
    for row, _ in specs:
        if row["name"] == recommendation["name"]:
            return row
    wanted = _mapping(document.get("spec")).get("workloadSelector")
    for row, spec in specs:
        if wanted and spec.get("workloadSelector") == wanted:
            return row
    return next((row for row, spec in specs if not spec.get("workloadSelector")), None)


def _document(manifest: str) -> Mapping[str, object]:
    try:
        return _mapping(next(iter(yaml.safe_load_all(manifest)), None))
    except yaml.YAMLError:
        return {}


def _named(document: Mapping[str, object]) -> Mapping[str, object]:
    metadata = _mapping(document.get("metadata"))
    return {key: metadata[key] for key in ("name", "namespace") if key in metadata}


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _yaml(document: Mapping[str, object]) -> str:
    return yaml.safe_dump(json.loads(json.dumps(document)), sort_keys=True, allow_unicode=True)


def _diff(old: str, new: str) -> str:
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), "now", "recommended", lineterm="", n=8)
    return "\n".join(lines)
