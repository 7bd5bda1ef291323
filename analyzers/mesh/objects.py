"""One object of the mesh, and how to walk documents that may hold anything.

A user's object may have any type anywhere. Nothing here raises on it: a value of an unexpected type counts as absent
(the schema checks report it).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime

#: A JSON value as a parser gives it.
Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"

_EMPTY: Final[Mapping[str, Json]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class MeshObject:
    """One object. `namespace` is empty where it has none; `document` is the whole object as JSON values.

    `source` and `source_offset` say where it was read; `cluster` is empty where there is one cluster without a name.
    """

    kind: str
    namespace: str
    name: str
    api_version: str
    cluster: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    document: Mapping[str, Json] = field(default_factory=dict)
    created_at: datetime | None = None
    source: str = ""
    source_offset: int = 0

    @property
    def group(self) -> str:
        """The API group; empty for the core group."""
        return self.api_version.rpartition("/")[0]

    @property
    def spec(self) -> Mapping[str, Json]:
        """`spec`, or nothing."""
        return mapping(self.document.get("spec"))

    @property
    def status(self) -> Mapping[str, Json]:
        """`status`, or nothing."""
        return mapping(self.document.get("status"))

    @property
    def identity(self) -> str:
        """`Kind/namespace/name`, as findings name objects."""
        return f"{self.kind}/{self.namespace}/{self.name}"


def mapping(value: object) -> Mapping[str, Json]:
    """The value where it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else _EMPTY


def sequence(value: object) -> Sequence[Json]:
    """The value where it is a list, else an empty one."""
    return value if isinstance(value, list | tuple) else ()


def text(value: object) -> str | None:
    """The value where it is a string."""
    return value if isinstance(value, str) else None


def integer(value: object) -> int | None:
    """The value where it is a whole number (a boolean is none)."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) else None


def number(value: object) -> float | None:
    """The value where it is a number (a boolean is none)."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def mappings(value: object) -> Iterator[tuple[int, Mapping[str, Json]]]:
    """Position and value of each element of a list that is an object."""
    for position, item in enumerate(sequence(value)):
        if isinstance(item, Mapping):
            yield position, item


def texts(value: object) -> tuple[str, ...]:
    """The elements of a list that are strings."""
    return tuple(item for item in sequence(value) if isinstance(item, str))


def strings(value: object) -> Mapping[str, str]:
    """The members of an object that are strings."""
    return {key: item for key, item in mapping(value).items() if isinstance(item, str)}


def at(value: object, *keys: str) -> Json:
    """The value beneath nested keys; null where one is missing."""
    for key in keys:
        value = mapping(value).get(key)
    return value  # type: ignore[return-value]  # members of JSON values are JSON values
