"""CustomResourceDefinitions: which kinds and versions a cluster serves, and their compiled schemas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from analyzers.schema.check import Problem, problems_of
from analyzers.schema.structure import Structure, compile_structure

if TYPE_CHECKING:
    from analyzers.schema.rules import Rule

KIND: Final = "CustomResourceDefinition"


class Version:
    """One version of a kind; its schema is compiled when an object of it is first checked."""

    def __init__(self, definition: str, name: str, written: Mapping[str, Any]) -> None:
        self.definition = definition
        self.name = name
        self.is_served = written.get("served", True) is not False
        self.is_deprecated = written.get("deprecated") is True
        warning = written.get("deprecationWarning")
        self.deprecation_warning = warning if isinstance(warning, str) else ""
        schema = written.get("schema")
        self._schema = schema.get("openAPIV3Schema") if isinstance(schema, Mapping) else None

    @cached_property
    def structure(self) -> Structure | None:
        """The schema, compiled; null where the definition has none."""
        return compile_structure(self._schema) if isinstance(self._schema, Mapping) else None

    def problems(self, document: Mapping[str, Any]) -> tuple[Problem, ...]:
        """Why the cluster would refuse an object of this version."""
        return () if self.structure is None else problems_of(document, self.structure)

    def unusable_rules(self) -> tuple[Rule, ...]:
        """Rules that cannot be evaluated here, each once."""
        found = {} if self.structure is None else {rule.text: rule for rule in _rules(self.structure)}
        return tuple(rule for rule in found.values() if rule.program is None)


class Definitions:
    """What a cluster serves: (group, kind) -> its versions. Of two definitions of one kind the later counts."""

    def __init__(self, kinds: Mapping[tuple[str, str], Mapping[str, Version]]) -> None:
        self.kinds = kinds
        self.groups = frozenset(group for group, _ in kinds)

    @classmethod
    def of(cls, documents: Iterable[Mapping[str, Any]]) -> Definitions:
        """The definitions among documents; what is no definition is left out."""
        kinds: dict[tuple[str, str], Mapping[str, Version]] = {}
        for document in documents:
            spec = document.get("spec")
            if document.get("kind") != KIND or not isinstance(spec, Mapping):
                continue
            names, versions = spec.get("names"), spec.get("versions")
            group, kind = spec.get("group"), names.get("kind") if isinstance(names, Mapping) else None
            if isinstance(group, str) and isinstance(kind, str) and isinstance(versions, list):
                metadata = document.get("metadata")
                name = str(metadata.get("name")) if isinstance(metadata, Mapping) else kind
                kinds[group, kind] = {
                    written["name"]: Version(name, written["name"], written)
                    for written in versions
                    if isinstance(written, Mapping) and isinstance(written.get("name"), str)
                }
        return cls(kinds)

    def over(self, other: Definitions) -> Definitions:
        """These and the other's, which count where both define a kind."""
        return Definitions({**self.kinds, **other.kinds})

    def count(self) -> int:
        """How many versions are served."""
        return sum(version.is_served for versions in self.kinds.values() for version in versions.values())

    def version(self, api_version: str, kind: str) -> Version | None:
        """The version that an object is of; null where it is not served or nothing is known of the kind."""
        group, _, name = api_version.rpartition("/")
        found = self.kinds.get((group, kind), {}).get(name)
        return found if found is not None and found.is_served else None

    def not_served(self, api_version: str, kind: str) -> str | None:
        """Why the cluster would not know an object of this type; null where it does, or where it cannot be told.

        A kind that is missing from a group's definitions counts as misspelt only where one of them is nearly the same:
        a dump may hold some definitions and not others.
        """
        group, _, name = api_version.rpartition("/")
        versions = self.kinds.get((group, kind))
        if versions is not None:
            if name in versions and versions[name].is_served:
                return None
            served = ", ".join(f"{group}/{version.name}" for version in versions.values() if version.is_served)
            return f"the cluster does not serve {api_version}, only {served or 'no version at all'}"
        known = [other for known_group, other in self.kinds if known_group == group]
        nearest = get_close_matches(kind, known, n=1, cutoff=0.8)
        return f"{group} has no kind {kind}; the nearest is {nearest[0]}" if nearest else None


def _rules(structure: Structure) -> Iterator[Rule]:
    yield from structure.rules
    inner = [*structure.properties.values(), *structure.all_of]
    inner += [part for part in (structure.values, structure.items) if part is not None]
    for part in inner:
        yield from _rules(part)
