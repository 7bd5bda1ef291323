"""Recommendations as a folder for Kustomize: `<namespace>/<name>.yaml` each, and `kustomization.yaml` naming them.

Only EMIT becomes a resource: what needs a human is named in a comment until it has been looked at. Patches of existing
objects and parts of the mesh's settings are never resources. Where a namespace's Sidecar is preferred its workloads'
are alternatives, and the other way round. A file is touched only where its content changes, and only if we wrote it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import yaml

from analyzers.scoping.manifest import to_yaml
from analyzers.scoping.names import printable
from analyzers.scoping.workloads import object_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from analyzers.scoping.model import Recommendation
    from analyzers.scoping.proposal import Proposal

KUSTOMIZATION: Final = "kustomization.yaml"
# The first line of every file of ours; the folder is read back by it.
_MARK: Final = re.compile(r"# meshlens (?P<kind>\w+) (?P<verdict>\w+)\b")

# Names of Kubernetes objects hold neither slashes nor two dots in a row.
_PATH: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?/[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\.yaml")
# Why a file of this kind is no resource.
_APART: Final = {
    "SidecarPatch": "apply by hand",
    "ExportTo": "apply by hand",
    "DiscoverySelectors": "set by hand",
    "Rollback": "to go back",
    "Widen": "in an emergency",
    "Alternative": "instead of the other level",
}
_RESOURCES: Final = ("Sidecar", "NamespaceSidecar", "RootSidecar")
#: Which Sidecars become resources: those of workloads, those of namespaces, or of either what fits it better.
Level = Literal["workload", "namespace", "auto"]


class ExportError(RuntimeError):
    """The folder cannot be written; the message names the file and what to do."""


@dataclass(slots=True)
class Exported:
    """Files by what happened to them, as paths relative to the folder, sorted."""

    written: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


def export(
    recommendations: Iterable[Recommendation],
    folder: Path,
    *,
    proposals: Sequence[Proposal] = (),
    level: Level = "workload",
    complete: bool = True,
    prune: bool = False,
    include_review: bool = False,
) -> Exported:
    """Write the manifests into `folder`.

    Args:
        recommendations: what to write; those without a manifest are left out.
        folder: made where it is not there.
        proposals: what goes beyond single workloads, to write as well.
        level: which Sidecars become resources.
        complete: these are all recommendations there are, so that a file of ours without one is stale.
        prune: remove stale files.
        include_review: make what needs a review a resource too.

    Raises:
        ExportError: a file that we did not write is in the way, or the folder cannot be written.
    """
    done = Exported()
    try:
        wanted = _wanted(recommendations, proposals, level)
        for path, text in sorted(wanted.items()):
            _write(folder, path, text, done)
        stale = [path for path in _ours(folder) if path not in wanted] if complete else []
        for path in stale:
            if prune:
                (folder / path).unlink()
                done.removed.append(path)
            else:
                done.stale.append(path)
        _write(folder, KUSTOMIZATION, _kustomization(_ours(folder), include_review=include_review), done)
    except OSError as error:
        raise ExportError(f"{error.filename or folder}: {error.strerror or error}; choose another --out") from error
    return done


def tree(
    recommendations: Iterable[Recommendation],
    proposals: Sequence[Proposal],
    level: Level = "workload",
    *,
    include_review: bool = False,
) -> dict[str, str]:
    """The whole tree without writing it: path -> text, sorted, `kustomization.yaml` last."""
    wanted = _wanted(recommendations, proposals, level)
    marks = {path: _MARK.match(text) for path, text in sorted(wanted.items())}
    ours = {path: f"{mark['kind']} {mark['verdict']}" for path, mark in marks.items() if mark}
    return {**dict(sorted(wanted.items())), KUSTOMIZATION: _kustomization(ours, include_review=include_review)}


def _wanted(recommendations: Iterable[Recommendation], proposals: Sequence[Proposal], level: Level) -> dict[str, str]:
    coarse = {item.namespace for item in proposals if _is_chosen(item, level)}
    wanted = {path: text for item in recommendations for path, text in _files(item, item.namespace in coarse)}
    return wanted | {path: text for item in proposals for path, text in proposal_files(item, item.namespace in coarse)}


def exported_files(folder: Path) -> dict[str, str]:
    """Every file of ours in the folder as path -> text: what a revision keeps."""
    paths = [*_ours(folder), *([KUSTOMIZATION] if (folder / KUSTOMIZATION).exists() else [])]
    return {path: (folder / path).read_bytes().decode() for path in paths}


def restore(files: Mapping[str, str], folder: Path) -> Exported:
    """Make the folder hold exactly these files of ours; other files are never touched.

    Raises:
        ExportError: a file that we did not write is in the way, or the folder cannot be written.
    """
    done = Exported()
    try:
        for path, text in sorted(files.items()):
            if not _is_inside(path):
                raise ExportError(f"{path!r} is no path of a manifest; the revision was not written by meshlens")
            _write(folder, path, text, done)
        for path in sorted(set(_ours(folder)) - set(files)):
            (folder / path).unlink()
            done.removed.append(path)
    except OSError as error:
        raise ExportError(f"{error.filename or folder}: {error.strerror or error}; choose another --out") from error
    return done


def _is_inside(path: str) -> bool:
    return path == KUSTOMIZATION or _PATH.fullmatch(path) is not None


def _is_chosen(item: Proposal, level: Level) -> bool:
    """Whether a namespace's Sidecar becomes the resource, instead of its workloads': never one that is less sure."""
    if item.kind != "NamespaceSidecar" or item.manifest is None or level == "workload":
        return False
    return level == "namespace" or (item.is_preferred and item.verdict == "EMIT")


def proposal_files(item: Proposal, is_chosen: bool) -> Iterator[tuple[str, str]]:  # noqa: FBT001 - beside `_files`
    """Path and text of each of one proposal's files."""
    if item.manifest is None:
        return
    kind = "Alternative" if item.kind == "NamespaceSidecar" and not is_chosen else item.kind
    head = [f"# meshlens {kind} {item.verdict} {item.proposal_id}", *_how(item)]
    head += [f"# {printable(reason.message)}" for reason in item.reasons]
    head += [f"# needed by {printable(f'{one.namespace}/{one.name}')} ({one.knowledge})" for one in item.consumers]
    path = f"{item.namespace}/{_file_name(item)}"
    yield f"{path}.yaml", "\n".join((*dict.fromkeys(head), to_yaml(item.manifest)))
    if item.rollback is not None:
        back = (f"# meshlens Rollback {item.verdict} {item.proposal_id}", "# What there is now: apply it to go back.")
        yield f"{path}.rollback.yaml", "\n".join((*back, to_yaml(item.rollback)))


def _file_name(item: Proposal) -> str:
    return object_name(f"{item.name}.export-to" if item.kind == "ExportTo" else item.name)


def _how(item: Proposal) -> Iterator[str]:
    if item.kind == "ExportTo":
        kind, namespace, name = item.target.split("/", 2)
        path = f"{item.namespace}/{_file_name(item)}.yaml"
        command = f"kubectl patch {kind.lower()} -n {namespace} {name} --type merge --patch-file {path}"
        yield f"# A merge patch, no resource: {command}"
    elif item.kind == "DiscoverySelectors":
        yield "# Part of the mesh's settings (values of the istiod chart), no resource."


def _files(item: Recommendation, is_alternative: bool) -> Iterator[tuple[str, str]]:  # noqa: FBT001 - private
    """Path and text of each of one recommendation's files. Names have been validated: they stay inside the folder."""
    if item.manifest is None:
        return
    yield _file(item, "Alternative" if is_alternative else "Sidecar")
    if item.rollback is not None:
        why = "# The Sidecar that this recommendation would change: apply it to go back."
        yield _emergency(item, "Rollback", item.rollback, why)
    if item.widen is not None:
        why = "# For an emergency: whole namespaces instead of single hosts."
        yield _emergency(item, "Widen", item.widen, why)


def _emergency(item: Recommendation, kind: str, manifest: Mapping[str, object], why: str) -> tuple[str, str]:
    head = f"# meshlens {kind} {item.verdict} {item.recommendation_id}"
    return f"{item.namespace}/{item.name}.{kind.lower()}.yaml", "\n".join((head, why, to_yaml(manifest)))


def _file(item: Recommendation, kind: str) -> tuple[str, str]:
    manifest = to_yaml(item.manifest or {})
    if item.kind == "SidecarPatch":
        path = f"{item.namespace}/{item.name}.patch.yaml"
        command = f"kubectl patch sidecar -n {item.namespace} {item.name} --type merge --patch-file {path}"
        head = [
            f"# meshlens SidecarPatch {item.verdict} {item.recommendation_id}",
            f"# A merge patch, no resource: {command}",
        ]
    else:
        path = f"{item.namespace}/{item.name}.yaml"
        head = [f"# meshlens {kind} {item.verdict} {item.recommendation_id}"]
    notes = [f"# {printable(reason.message)}" for reason in item.reasons]
    return path, "\n".join((*head, *dict.fromkeys(notes), manifest))


def _ours(folder: Path) -> Mapping[str, str]:
    """Every manifest of ours in the folder: relative path -> `kind verdict`."""
    found = {}
    for path in sorted(folder.glob("*/*.yaml")):
        with path.open(encoding="utf-8", errors="replace") as file:
            mark = _MARK.match(file.readline(200))
        if mark:
            found[path.relative_to(folder).as_posix()] = f"{mark['kind']} {mark['verdict']}"
    return found


def _kustomization(ours: Mapping[str, str], *, include_review: bool) -> str:
    verdicts = ("EMIT", "EMIT_REVIEW") if include_review else ("EMIT",)
    accepted = {f"{kind} {verdict}" for kind in _RESOURCES for verdict in verdicts}
    resources = [path for path, what in ours.items() if what in accepted]
    body = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": resources}
    text = yaml.safe_dump(body, sort_keys=False)
    return "\n".join(("# meshlens Kustomization EMIT", *_left_out(ours, resources), text))


def _left_out(ours: Mapping[str, str], resources: Iterable[str]) -> Iterator[str]:
    for path in sorted(set(ours) - set(resources)):
        kind = ours[path].partition(" ")[0]
        yield f"# {_APART.get(kind, 'review first')}: {path}"


def _write(folder: Path, path: str, text: str, done: Exported) -> None:
    target = folder / path
    if target.exists():
        present = target.read_text(encoding="utf-8", errors="replace")
        if not _MARK.match(present):
            raise ExportError(f"{target} was not written by meshlens; move it or choose another --out")
        if present == text:
            done.unchanged.append(path)
            return
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.tmp")
    draft.write_text(text, encoding="utf-8")
    draft.replace(target)
    done.written.append(path)
