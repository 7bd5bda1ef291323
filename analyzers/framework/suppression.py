"""Silencing findings: by an annotation on the object at fault, or by a file that gives a reason.

A suppressed finding is counted and shown with who silenced it; it no longer decides the exit code. Codes may be written
as Meshlens has them or as Istio (`IST0101`) or Kiali (`KIA1101`) do.
"""

from __future__ import annotations

import datetime as dt  # noqa: TC003 - pydantic reads the annotation when it builds the model
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Final, Protocol

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from analyzers.framework.finding import Finding


class SuppressionFileError(ValueError):
    """A suppression file that cannot be used; the message names the file, the entry and the reason."""


class Suppression(Protocol):
    """A reason to silence findings."""

    def silences(self, finding: Finding, names: Sequence[str]) -> str | None:
        """Who silences `finding`, whose code goes by `names`, and why, or null."""


@dataclass(frozen=True, slots=True)
class AnnotationRule:
    """An annotation that names codes to silence on its object. `codes` turns its value into code globs."""

    key: str
    codes: Callable[[str], tuple[str, ...]]


def _comma_separated(value: str) -> tuple[str, ...]:
    return tuple(part for part in (piece.strip() for piece in value.split(",")) if part)


def _of_istio(value: str) -> tuple[str, ...]:
    return tuple("IST*" if code == "*" else code for code in _comma_separated(value))


def _of_kiali(value: str) -> tuple[str, ...]:
    return _comma_separated(value) or ("KIA*",)


#: The annotations that are honoured. Istio's `*` means its own codes, and so does an empty value of Kiali's.
ANNOTATION_RULES: Final[tuple[AnnotationRule, ...]] = (
    AnnotationRule("meshlens.io/suppress", _comma_separated),
    AnnotationRule("galley.istio.io/analyze-suppress", _of_istio),
    AnnotationRule("kiali.io/ignore-validations", _of_kiali),
)


@dataclass(frozen=True, slots=True)
class Annotations:
    """Annotations of the mesh's objects: `Kind/namespace/name` -> annotation -> value."""

    by_object: Mapping[str, Mapping[str, str]]
    rules: tuple[AnnotationRule, ...] = ANNOTATION_RULES

    def silences(self, finding: Finding, names: Sequence[str]) -> str | None:
        """The annotation on the finding's object that names its code, or null."""
        annotations = self.by_object.get(finding.object or "", {})
        for rule in self.rules:
            value = annotations.get(rule.key)
            if value is not None and _names_any(rule.codes(value), names):
                return f"annotation {rule.key} on {finding.object}"
        return None


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    code: Annotated[str, Field(min_length=1)]
    subject: Annotated[str, Field(min_length=1)] = "*"
    reason: Annotated[str, Field(min_length=1)]
    expires: dt.date | None = None


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One entry of a suppression file: globs over code and subject (or object), and why."""

    origin: str
    code: str
    subject: str
    reason: str

    def silences(self, finding: Finding, names: Sequence[str]) -> str | None:
        """Where and why this entry silences `finding`, or null."""
        named = any(fnmatchcase(name, self.subject) for name in (finding.subject, finding.object or ""))
        return f"{self.origin}: {self.reason}" if named and _names_any((self.code,), names) else None


def read_suppressions(path: Path, today: dt.date) -> tuple[tuple[FileEntry, ...], tuple[str, ...]]:
    """Entries of a suppression file that are in force on `today`, and a note for each that has expired.

    The file is a YAML list of `{code, subject (default "*"), reason, expires (a date, optional)}`.

    Raises:
        SuppressionFileError: the file cannot be read, is not such a list, or an entry gives no reason.
    """
    try:
        entries = TypeAdapter(list[_Entry]).validate_python(yaml.safe_load(path.read_bytes()) or [])
    except (OSError, yaml.YAMLError) as error:
        raise SuppressionFileError(f"{path}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"]) or "document"
        raise SuppressionFileError(
            f"{path}: entry {place}: {first['msg']}; an entry is code, subject, reason and, optionally, expires"
        ) from error
    active = []
    notes = []
    for number, entry in enumerate(entries, start=1):
        origin = f"{path} entry {number}"
        if entry.expires is not None and entry.expires < today:
            notes.append(f"{origin} ({entry.code} {entry.subject}) expired on {entry.expires}: no longer applied")
        else:
            active.append(FileEntry(origin, entry.code, entry.subject, entry.reason))
    return tuple(active), tuple(notes)


def suppress(
    findings: Iterable[Finding],
    suppressions: Iterable[Suppression],
    aliases: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> tuple[Finding, ...]:
    """The findings, each marked with the first suppression that silences it. `aliases`: code -> its other names."""
    rules = tuple(suppressions)
    return tuple(_suppress_one(finding, rules, (finding.code, *aliases.get(finding.code, ()))) for finding in findings)


def _suppress_one(finding: Finding, rules: tuple[Suppression, ...], names: Sequence[str]) -> Finding:
    for rule in rules:
        reason = rule.silences(finding, names)
        if reason is not None:
            return replace(finding, suppressed_by=reason)
    return finding


def _names_any(patterns: Iterable[str], names: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in names)
