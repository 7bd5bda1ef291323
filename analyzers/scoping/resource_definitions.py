"""Manifests against the users' own CustomResourceDefinitions: their cluster decides what it takes, not our schema."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from analyzers.schema.definitions import KIND, Definitions
from analyzers.scoping.model import Reason
from pipelines.inputs.errors import InputError
from pipelines.jobs.objects import read_objects

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from analyzers.scoping.model import Recommendation
    from pipelines.lake.session import Session


class DefinitionError(ValueError):
    """A file of definitions that cannot be used; the message names it and the reason."""


def definitions_in(session: Session) -> Definitions:
    """The definitions in the lake."""
    rows = session.query("resource_definitions").to_pylist()
    return Definitions.of(json.loads(row["object_json"]) for row in rows)


def read_definitions(paths: Iterable[Path]) -> Definitions:
    """The definitions in files, and in the files beneath folders.

    Raises:
        DefinitionError: a path does not exist, a document is no object, or there is no definition in it.
    """
    found = Definitions.of(())
    for path in paths:
        try:
            read = read_objects([str(path)])
        except InputError as error:
            raise DefinitionError(str(error)) from error
        for reject in read.rejects.to_pylist():
            raise DefinitionError(f"{reject['source']} at byte {reject['source_offset']}: {reject['reason']}")
        rows = read.objects.select(["kind", "object_json"]).to_pylist()
        definitions = Definitions.of(json.loads(row["object_json"]) for row in rows if row["kind"] == KIND)
        if not definitions.kinds:
            raise DefinitionError(
                f"{path}: there is no {KIND} with a schema; give what `kubectl get crd -o yaml` prints"
            )
        found = found.over(definitions)
    return found


def problem_of(manifest: Mapping[str, object], definitions: Definitions) -> str | None:
    """Why the cluster would refuse a manifest; null where it fits, or where no definition speaks of its kind."""
    api_version, kind = str(manifest["apiVersion"]), str(manifest["kind"])
    version = definitions.version(api_version, kind)
    if version is None:
        reason = definitions.not_served(api_version, kind)
        return f"{kind}: {reason}" if reason is not None else None
    first = next(iter(version.problems(manifest)), None)
    return None if first is None else f"{kind} at {first.path or 'its root'}: {first.reason}"


def checked(item: Recommendation, definitions: Definitions) -> Recommendation:
    """The recommendation, or an abstention where its manifest would be refused; drafts that would be are left out."""
    entries = tuple(entry for entry in item.service_entries if problem_of(entry, definitions) is None)
    problem = None if item.manifest is None else problem_of(item.manifest, definitions)
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
