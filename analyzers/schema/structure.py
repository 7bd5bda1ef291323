"""A structural schema of Kubernetes, compiled once: what each place of an object may hold.

Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/ (structural
schemas, pruning, `x-kubernetes-*`). Schemas come with the input: what is no schema counts as saying nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from analyzers.schema.rules import Program, Rule, compile_pattern, compile_rules

#: How deep a schema is followed; beyond it anything is allowed.
_DEPTH: Final = 64
#: Members of a schema that bound a value, in the order in which they are told.
BOUNDS: Final = (
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "minimum",
    "maximum",
    "multipleOf",
)


@dataclass(slots=True)
class Structure:
    """One place. `properties` is empty and `values` null where it is no mapping; `open` takes unknown fields."""

    types: frozenset[str] = frozenset()
    nullable: bool = False
    open: bool = False
    properties: dict[str, Structure] = field(default_factory=dict)
    values: Structure | None = None
    items: Structure | None = None
    required: tuple[str, ...] = ()
    enum: tuple[Any, ...] | None = None
    pattern: Program | None = None
    pattern_text: str = ""
    format: str = ""
    bounds: tuple[tuple[str, float], ...] = ()
    exclusive: frozenset[str] = frozenset()
    unique: tuple[str, ...] | None = None
    all_of: tuple[Structure, ...] = ()
    any_of: tuple[Structure, ...] = ()
    one_of: tuple[Structure, ...] = ()
    none_of: Structure | None = None
    default: Any = None
    has_default: bool = False
    rules: tuple[Rule, ...] = ()


def compile_structure(schema: object, depth: int = 0) -> Structure:
    """A schema, with its patterns and rules, compiled. Never raises: parts of unexpected types are left out."""
    if not isinstance(schema, Mapping) or depth > _DEPTH:
        return Structure(open=True)
    inner = depth + 1
    properties = _mapping(schema.get("properties"))
    values = schema.get("additionalProperties")
    pattern = schema.get("pattern")
    return Structure(
        types=_types(schema),
        nullable=schema.get("nullable") is True,
        open=_is_open(schema),
        properties={str(name): compile_structure(value, inner) for name, value in properties.items()},
        values=compile_structure(values, inner) if isinstance(values, Mapping) else None,
        items=compile_structure(schema["items"], inner) if isinstance(schema.get("items"), Mapping) else None,
        required=tuple(name for name in _list(schema.get("required")) if isinstance(name, str)),
        enum=tuple(_list(schema["enum"])) if isinstance(schema.get("enum"), list) else None,
        pattern=compile_pattern(pattern) if isinstance(pattern, str) else None,
        pattern_text=pattern if isinstance(pattern, str) else "",
        format=schema["format"] if isinstance(schema.get("format"), str) else "",
        bounds=tuple((name, schema[name]) for name in BOUNDS if _is_number(schema.get(name))),
        exclusive=frozenset(
            bound
            for name, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum"))
            if schema.get(name) is True
        ),
        unique=_unique(schema),
        all_of=_compiled(schema.get("allOf"), inner),
        any_of=_compiled(schema.get("anyOf"), inner),
        one_of=_compiled(schema.get("oneOf"), inner),
        none_of=compile_structure(schema["not"], inner) if isinstance(schema.get("not"), Mapping) else None,
        default=schema.get("default"),
        has_default="default" in schema,
        rules=compile_rules(schema.get("x-kubernetes-validations")),
    )


def _types(schema: Mapping[str, Any]) -> frozenset[str]:
    if schema.get("x-kubernetes-int-or-string") is True:
        return frozenset({"integer", "string"})
    named = schema.get("type")
    return frozenset({named}) if isinstance(named, str) else frozenset()


def _is_open(schema: Mapping[str, Any]) -> bool:
    """Whether fields that are not named are kept: an object that names no field at all is pruned to nothing."""
    if schema.get("x-kubernetes-preserve-unknown-fields") is True or schema.get("additionalProperties") is True:
        return True
    return schema.get("x-kubernetes-embedded-resource") is True or not isinstance(schema.get("type"), str)


def _unique(schema: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The keys by which entries of a list are told apart: none for a set, null where entries may repeat."""
    if schema.get("x-kubernetes-list-type") == "map":
        keys = tuple(key for key in _list(schema.get("x-kubernetes-list-map-keys")) if isinstance(key, str))
        return keys or None
    is_set = schema.get("x-kubernetes-list-type") == "set" or schema.get("uniqueItems") is True
    return () if is_set else None


def _compiled(schemas: object, depth: int) -> tuple[Structure, ...]:
    return tuple(compile_structure(schema, depth) for schema in _list(schemas))


def _mapping(value: object) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
