"""An object against its compiled schema: every problem with the path and the reason.

Like the API server: nulls where none may be count as absent, defaults are filled in before rules are asked, fields that
the schema does not name are told and left out, and the rules of a place are asked only where its values fit the schema.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, Literal

from analyzers.schema.names import Value, escaped_name, joined
from analyzers.schema.rules import holds, message_of
from analyzers.schema.values import problem_of_scalar, problem_of_size, repeated, type_of

if TYPE_CHECKING:
    from analyzers.schema.rules import Rule
    from analyzers.schema.structure import Structure

#: More problems of one object are not told.
MAX_PROBLEMS: Final = 50

ProblemKind = Literal["value", "unknown_field", "rule"]

#: Fields of every object, which the API server itself checks.
_OF_EVERY_OBJECT: Final = ("apiVersion", "kind", "metadata")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the cluster would refuse an object. `nearest` is the known name that an unknown field is closest to."""

    kind: ProblemKind
    path: str
    reason: str
    nearest: str | None = None
    rule: str | None = None


def problems_of(document: Mapping[str, Value], structure: Structure) -> tuple[Problem, ...]:
    """Every problem of an object, at most `MAX_PROBLEMS`; nothing is said of apiVersion, kind and metadata."""
    check = _Check()
    content = {key: value for key, value in document.items() if key not in _OF_EVERY_OBJECT}
    check.place(content, structure, "", ())
    return tuple(check.problems)


class _Check:
    """One walk through an object. `strict` walks tell fields that are not named; alternatives are walked without."""

    def __init__(self, *, strict: bool = True) -> None:
        self.problems: list[Problem] = []
        self._strict = strict
        self._refused = 0

    def place(self, value: Value, structure: Structure, path: str, parents: tuple[Structure, ...]) -> Value:
        """Check a value and all beneath it; returns it as rules see it."""
        before = self._refused
        if value is None and structure.nullable:
            return None
        if structure.types and not (type_of(value) & structure.types):
            self._refuse(path, f"is {_described(value)}, where {' or '.join(sorted(structure.types))} is wanted")
            return value
        if isinstance(value, float) and "integer" in structure.types:
            value = int(value)
        seen = value
        if isinstance(value, Mapping):
            seen = self._members(value, structure, path, parents)
        elif isinstance(value, list):
            seen = self._entries(value, structure, path, parents)
        self._bounds(value, structure, path)
        self._alternatives(value, structure, path)
        if self._refused == before:
            for rule in structure.rules:
                self._rule(rule, seen, path)
        return seen

    def _members(
        self, value: Mapping[str, Value], structure: Structure, path: str, parents: tuple[Structure, ...]
    ) -> Value:
        seen: dict[str, Value] = {}
        for name, member in value.items():
            known = structure.properties.get(name)
            inner = known if known is not None else structure.values
            if inner is not None:
                if member is None and not inner.nullable:
                    continue
                key = escaped_name(name) if known is not None else name
                seen[key] = self.place(member, inner, joined(path, name), (*parents, structure))
            elif structure.open:
                seen[name] = member
            elif self._strict and not (name in _OF_EVERY_OBJECT and not parents):
                self._unknown(name, structure, path, parents)
        for name in structure.required:
            if escaped_name(name) not in seen and name not in seen:
                self._refuse(joined(path, name), "is required")
        for name, inner in structure.properties.items():
            if inner.has_default:
                seen.setdefault(escaped_name(name), inner.default)
        return seen

    def _entries(self, value: list[Value], structure: Structure, path: str, parents: tuple[Structure, ...]) -> Value:
        items = structure.items
        if items is None:
            return value
        return [
            self.place(entry, items, f"{path}[{position}]", (*parents, structure))
            for position, entry in enumerate(value)
        ]

    def _bounds(self, value: Value, structure: Structure, path: str) -> None:
        if structure.enum is not None and value not in structure.enum:
            allowed = ", ".join(str(choice) for choice in structure.enum)
            nearest = _nearest(value, [choice for choice in structure.enum if isinstance(choice, str)])
            self._refuse(path, f"is {_shown(value)}, which is none of {allowed}", nearest)
        for problem in (problem_of_scalar(value, structure), *problem_of_size(value, structure)):
            if problem is not None:
                self._refuse(path, problem)
        if structure.unique is not None and isinstance(value, list):
            for position, first in repeated(value, structure.unique):
                self._refuse(f"{path}[{position}]", f"repeats entry {first}, where each may be there once")

    def _alternatives(self, value: Value, structure: Structure, path: str) -> None:
        for part in structure.all_of:
            inner = _Check(strict=False)
            inner.place(value, part, path, ())
            for problem in inner.problems:
                self._refuse(problem.path, problem.reason, problem.nearest)
        if structure.any_of and not any(_fits(value, part) for part in structure.any_of):
            self._refuse(path, _choice(value, structure.any_of, "needs one of"))
        if structure.one_of:
            fitting = sum(_fits(value, part) for part in structure.one_of)
            if fitting != 1:
                told = "takes only one of" if fitting or _given(value, structure.one_of) else "needs one of"
                self._refuse(path, _choice(value, structure.one_of, told))
        if structure.none_of is not None and _fits(value, structure.none_of):
            self._refuse(path, _choice(value, (structure.none_of,), "may not have"))

    def _rule(self, rule: Rule, seen: Value, path: str) -> None:
        if rule.program is None:
            return
        outcome, reason = holds(rule.program, seen)
        if outcome == "broken":
            place = path
            for name in rule.field_path.strip(".").split(".") if rule.field_path else ():
                place = joined(place, name)
            detail = f" ({reason})" if reason else ""
            self._tell(Problem("rule", place, f"{message_of(rule, seen)}{detail}", rule=rule.text))

    def _unknown(self, name: str, structure: Structure, path: str, parents: tuple[Structure, ...]) -> None:
        nearest = _nearest(name, structure.properties)
        reason = f"{name} is no field here"
        if nearest is not None:
            reason += f"; the nearest is {nearest}"
        else:
            above = next((step for step, parent in enumerate(reversed(parents), 1) if name in parent.properties), None)
            below = sorted(key for key, inner in structure.properties.items() if _holds_field(inner, name))
            if above is not None:
                reason += f"; it belongs {_steps_up(above)}"
            elif below:
                reason += f"; it belongs in {' or '.join(below[:3])}"
        self._tell(Problem("unknown_field", joined(path, name), reason, nearest))

    def _refuse(self, path: str, reason: str, nearest: str | None = None) -> None:
        self._refused += 1
        told = f"{reason}; the nearest is {nearest}" if nearest is not None else reason
        self._tell(Problem("value", path, told, nearest))

    def _tell(self, problem: Problem) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(problem)


def _fits(value: Value, structure: Structure) -> bool:
    check = _Check(strict=False)
    check.place(value, structure, "", ())
    return not check.problems


def _choice(value: Value, parts: Sequence[Structure], told: str) -> str:
    """What a choice between alternatives wants, in the names of the fields it is about."""
    names = sorted({name for part in parts for name in _required(part)})
    if not names:
        return "fits none of the forms that are allowed" if told == "needs one of" else "has a form that is not allowed"
    given = [name for name in names if isinstance(value, Mapping) and name in value]
    has = f"; it has {', '.join(given)}" if len(given) > 1 else ""
    return f"{told} {', '.join(names)}{has}"


def _given(value: Value, parts: Sequence[Structure]) -> bool:
    return isinstance(value, Mapping) and any(name in value for part in parts for name in _required(part))


def _required(structure: Structure, depth: int = 0) -> set[str]:
    """The names that an alternative is about: those it requires, or requires not to be."""
    found = set(structure.required)
    if depth < _CHOICE_DEPTH:
        inner = [*structure.any_of, *structure.all_of, *structure.one_of]
        inner += [structure.none_of] if structure.none_of is not None else []
        for part in inner:
            found |= _required(part, depth + 1)
    return found


#: How deep alternatives within alternatives are described.
_CHOICE_DEPTH: Final = 4


def _holds_field(structure: Structure, name: str) -> bool:
    return name in structure.properties or (structure.items is not None and name in structure.items.properties)


def _steps_up(steps: int) -> str:
    return "one level up" if steps == 1 else f"{steps} levels up"


def _nearest(name: object, known: Mapping[str, Value] | Sequence[str]) -> str | None:
    """The known name that differs in case alone, or is nearest by its letters."""
    if not isinstance(name, str):
        return None
    names = list(known)
    alike = [candidate for candidate in names if candidate.lower() == name.lower()]
    return next(iter(alike or get_close_matches(name, names, n=1, cutoff=0.7)), None)


def _described(value: Value) -> str:
    match value:
        case None:
            return "empty"
        case Mapping():
            return "an object"
        case list():
            return "a list"
        case bool():
            return f"the boolean {str(value).lower()}"
        case str():
            return f"the text {_shown(value)}"
        case _:
            return f"the number {_shown(value)}"


def _shown(value: Value) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


_SHOWN: Final = 80
