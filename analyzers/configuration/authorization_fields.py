"""The sources, operations and conditions of AuthorizationPolicies, with their paths."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.mesh.objects import Json, mapping, mappings, texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from analyzers.mesh.objects import MeshObject


def sources(item: MeshObject) -> Iterator[tuple[str, Mapping[str, Json]]]:
    """Path and value of every `source`."""
    yield from _parts(item, "from", "source")


def operations(item: MeshObject) -> Iterator[tuple[str, Mapping[str, Json]]]:
    """Path and value of every `operation`."""
    yield from _parts(item, "to", "operation")


def conditions(item: MeshObject) -> Iterator[tuple[str, Mapping[str, Json]]]:
    """Path and value of every condition under `when`."""
    for number, rule in mappings(item.spec.get("rules")):
        for place, condition in mappings(rule.get("when")):
            yield f"spec/rules[{number}]/when[{place}]", condition


def values(path: str, part: Mapping[str, Json], *fields: str) -> Iterator[tuple[str, str]]:
    """Path and value of every entry of these fields of a source or operation."""
    for field in fields:
        for position, value in enumerate(texts(part.get(field))):
            yield f"{path}/{field}[{position}]", value


def _parts(item: MeshObject, part: str, inner: str) -> Iterator[tuple[str, Mapping[str, Json]]]:
    for number, rule in mappings(item.spec.get("rules")):
        for place, value in mappings(rule.get(part)):
            yield f"spec/rules[{number}]/{part}[{place}]/{inner}", mapping(value.get(inner))
