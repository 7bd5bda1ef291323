"""Objects against a small definition that uses every part of a structural schema, rules included."""

from __future__ import annotations

from typing import Any

import pytest

from analyzers.schema.check import MAX_PROBLEMS, problems_of
from analyzers.schema.definitions import Definitions
from analyzers.schema.rules import compile_rules, holds
from analyzers.schema.structure import compile_structure

ROUTE: dict[str, Any] = {
    "type": "object",
    "required": ["host"],
    "properties": {
        "word": {"type": "string", "minLength": 1},
        "host": {"type": "string", "maxLength": 10, "pattern": "^[a-z*.]+$"},
        "weight": {"type": "integer", "format": "int32", "minimum": 0, "maximum": 100},
        "big": {"type": "integer", "format": "int32"},
        "share": {"type": "number", "exclusiveMinimum": True, "minimum": 0, "multipleOf": 0.5},
        "port": {"x-kubernetes-int-or-string": True},
        "mode": {"type": "string", "enum": ["MUTUAL", "SIMPLE"], "default": "SIMPLE"},
        "timeout": {
            "type": "string",
            "x-kubernetes-validations": [{"rule": "duration(self) >= duration('1ms')", "message": "at least 1ms"}],
        },
        "note": {"type": "string", "nullable": True},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 2},
        "raw": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "at": {"type": "string", "format": "date-time"},
        "address": {"type": "string", "format": "ipv4"},
        "key": {"type": "string", "format": "byte"},
        "exact": {"type": "string"},
        "prefix": {"type": "string"},
        "x-y": {"type": "integer"},
        "namespace": {"type": "string"},
    },
    "oneOf": [
        {"not": {"anyOf": [{"required": ["exact"]}, {"required": ["prefix"]}]}},
        {"required": ["exact"]},
        {"required": ["prefix"]},
    ],
    "x-kubernetes-validations": [
        {
            "rule": "!has(self.x__dash__y) || self.x__dash__y > 1 || self.__namespace__ == 'a'",
            "messageExpression": "'x-y is ' + string(self.x__dash__y)",
            "fieldPath": ".x-y",
        },
        {"rule": "self.mode == 'SIMPLE' || !has(self.labels)", "message": "MUTUAL takes no labels"},
        {"rule": "oldSelf.host == self.host", "message": "host may not change"},
    ],
}
SPEC: dict[str, Any] = {
    "type": "object",
    "properties": {
        "routes": {"type": "array", "items": ROUTE, "minItems": 1, "maxItems": 3},
        "ports": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["number"],
            "items": {"type": "object", "properties": {"number": {"type": "integer"}, "name": {"type": "string"}}},
        },
        "names": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
        "retries": {"type": "object", "properties": {"attempts": {"type": "integer"}}},
    },
}
STRUCTURE = compile_structure({"type": "object", "properties": {"spec": SPEC}})


def problems(spec: object) -> list[tuple[str, str, str]]:
    document = {"apiVersion": "example.org/v1", "kind": "Thing", "metadata": {"name": "a"}, "spec": spec}
    return [(problem.kind, problem.path, problem.reason) for problem in problems_of(document, STRUCTURE)]


def of_route(**fields: object) -> list[tuple[str, str, str]]:
    named = {key.replace("_", "-"): value for key, value in fields.items()}
    return problems({"routes": [{"host": "a", **named}]})


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"weight": 0, "share": 0.5, "port": 80, "mode": "MUTUAL", "timeout": "1.5s"},
        {"weight": 100.0, "port": "http", "labels": {"a": "b", "anything/at.all": "c"}},
        {"note": None, "weight": None, "raw": {"a": {"b": [1]}, "c": None}},
        {"at": "2026-01-01T00:00:00Z", "address": "10.0.0.1", "key": "aGk="},
        {"exact": "a"},
        {"prefix": "a", "x_y": 2},
        {"x_y": 1, "namespace": "a"},
    ],
)
def test_what_fits_has_no_problem(fields: dict[str, object]) -> None:
    assert of_route(**fields) == []


@pytest.mark.parametrize(
    ("fields", "kind", "path", "told"),
    [
        ({"weight": "1"}, "value", "weight", "is the text '1', where integer is wanted"),
        ({"weight": True}, "value", "weight", "the boolean true"),
        ({"weight": 1.5}, "value", "weight", "the number 1.5"),
        ({"big": 2**31}, "value", "big", "is no int32"),
        ({"weight": -1}, "value", "weight", "is -1, where at least 0 is wanted"),
        ({"share": 0}, "value", "share", "is 0, where more than 0 is wanted"),
        ({"share": 0.75}, "value", "share", "no multiple of 0.5"),
        ({"port": []}, "value", "port", "is a list, where integer or string is wanted"),
        ({"mode": "simple"}, "value", "mode", "none of MUTUAL, SIMPLE; the nearest is SIMPLE"),
        ({"word": ""}, "value", "word", "has 0 characters"),
        ({"host": "UPPER"}, "value", "host", "does not match"),
        ({"host": None}, "value", "host", "is required"),
        ({"timeout": "0s"}, "rule", "timeout", "at least 1ms"),
        ({"timeout": "soon"}, "rule", "timeout", "at least 1ms (INVALID_ARGUMENT"),
        ({"labels": {"a": 1}}, "value", "labels/a", "is the number 1"),
        ({"labels": {"a": "", "b": "", "c": ""}}, "value", "labels", "has 3 members, where at most 2"),
        ({"labels": "x"}, "value", "labels", "the text 'x', where object"),
        ({"at": "yesterday"}, "value", "at", "is no date-time"),
        ({"address": "::1"}, "value", "address", "is no ipv4"),
        ({"key": "???"}, "value", "key", "is no byte"),
        ({"exact": "a", "prefix": "b"}, "value", "", "takes only one of exact, prefix; it has exact, prefix"),
        ({"x_y": 1, "namespace": "b"}, "rule", "x-y", "x-y is 1"),
        ({"mode": "MUTUAL", "labels": {}}, "rule", "", "MUTUAL takes no labels"),
        ({"timeouts": "1s"}, "unknown_field", "timeouts", "no field here; the nearest is timeout"),
        ({"Weight": 1}, "unknown_field", "Weight", "the nearest is weight"),
        ({"retries": {}}, "unknown_field", "retries", "it belongs 2 levels up"),
        ({"attempts": 1}, "unknown_field", "attempts", "attempts is no field here"),
    ],
)
def test_each_problem_has_its_path_and_reason(fields: dict[str, object], kind: str, path: str, told: str) -> None:
    (found,) = of_route(**fields)
    assert found[0] == kind
    assert found[1] == (f"spec/routes[0]/{path}" if path else "spec/routes[0]")
    assert told in found[2]


@pytest.mark.parametrize(
    ("spec", "path", "told"),
    [
        ([], "spec", "is a list"),
        ({"routes": []}, "spec/routes", "has 0 entries"),
        ({"routes": [None]}, "spec/routes[0]", "is empty"),
        ({"ports": [{"number": 1}, {"number": 1, "name": "x"}]}, "spec/ports[1]", "repeats entry 0"),
        ({"names": ["a", "b", "a"]}, "spec/names[2]", "repeats entry 0"),
        ({"attempts": 1}, "spec/attempts", "it belongs in retries"),
    ],
)
def test_lists_and_places(spec: object, path: str, told: str) -> None:
    (found,) = problems(spec)
    assert found[1] == path
    assert told in found[2]


def test_fields_of_every_object_are_known_at_the_root_alone() -> None:
    assert problems_of({"spec": {}, "apiVersion": "v1", "kind": "x", "metadata": {}}, STRUCTURE) == ()
    (found,) = problems_of({"spec": {"metadata": {}}}, STRUCTURE)
    assert found.path == "spec/metadata"
    (typo,) = problems_of({"sepc": {}}, STRUCTURE)
    assert typo.nearest == "spec"


def test_rules_are_not_asked_of_what_does_not_fit() -> None:
    assert [kind for kind, _, _ in of_route(timeout=5, mode="MUTUAL", labels={})] == ["value"]


def test_an_object_full_of_problems_is_cut_off() -> None:
    document = {"spec": {f"unknown{number}": 1 for number in range(1000)}}
    assert len(problems_of(document, STRUCTURE)) == MAX_PROBLEMS


@pytest.mark.parametrize(
    "rule",
    [
        "(" * 5000 + "true" + ")" * 5000,
        "self.all(a, self.all(b, self.all(c, a + b + c >= 0)))",
        "true" + " || true" * 4000,
        "quantity(self) > quantity('1')",
        "self.",
        "self.matches('[')",
    ],
)
def test_hostile_and_foreign_rules_cost_little_and_are_never_kept(rule: str) -> None:
    (compiled,) = compile_rules([{"rule": rule}])
    if compiled.program is None:
        assert compiled.problem
    else:
        assert holds(compiled.program, list(range(1000)))[0] in {"unknown", "broken"}


def test_a_rule_that_takes_too_long_is_no_problem_of_the_object() -> None:
    schema = {"type": "array", "x-kubernetes-validations": [{"rule": "self.all(a, self.all(b, a + b < 0))"}]}
    structure = compile_structure({"type": "object", "properties": {"spec": schema}})
    assert problems_of({"spec": [-1] * 1000}, structure) == ()


@pytest.mark.parametrize("schema", [None, [], {"type": 7}, {"properties": []}, {"oneOf": 1, "items": 2, "enum": "x"}])
def test_what_is_no_schema_says_nothing(schema: object) -> None:
    assert problems_of({"spec": {"a": [1]}}, compile_structure(schema)) == ()


def definition(**versions: dict[str, object]) -> dict[str, Any]:
    return {
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.org"},
        "spec": {
            "group": "example.org",
            "names": {"kind": "Thing"},
            "versions": [{"name": name, "schema": {"openAPIV3Schema": {}}, **rest} for name, rest in versions.items()],
        },
    }


def test_versions_and_kinds_that_are_not_served_are_named() -> None:
    definitions = Definitions.of([definition(v1={"served": True}, v0={"served": False})])
    assert definitions.version("example.org/v1", "Thing") is not None
    assert definitions.version("example.org/v0", "Thing") is None
    assert definitions.not_served("example.org/v1", "Thing") is None
    assert definitions.not_served("example.org/v0", "Thing") == (
        "the cluster does not serve example.org/v0, only example.org/v1"
    )
    assert "the nearest is Thing" in (definitions.not_served("example.org/v1", "Thinq") or "")
    assert definitions.not_served("example.org/v1", "Gadget") is None
    assert definitions.not_served("v1", "Pod") is None
    assert Definitions.of([{"kind": "CustomResourceDefinition", "spec": "x"}, {"kind": "Pod"}]).kinds == {}
