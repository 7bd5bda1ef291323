"""Problems of an object, and where they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from analyzers.mesh.objects import MeshObject

#: `invalid`: istiod refuses it. `doubtful`: istiod takes it and warns. `unreachable` and `ineffective`: a rule, or a
#: match of one, that an earlier rule leaves nothing for. `advice`: a warning about every object of the kind.
Weight = Literal["invalid", "doubtful", "unreachable", "ineffective", "advice"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem: the place in the object and a phrase that says what is wrong there."""

    path: str
    message: str
    weight: Weight = "invalid"


#: What a validator gives.
Problems: TypeAlias = Iterator[Problem]
Validator: TypeAlias = Callable[["MeshObject"], Problems]


def at(path: str, message: str | None) -> Problems:
    """The problem that a judgement of a value found; none where it found nothing wrong."""
    if message is not None:
        yield Problem(path, message)


def doubt(path: str, message: str) -> Problem:
    """What istiod warns of and accepts."""
    return Problem(path, message, "doubtful")


def refusals(found: Iterable[Problem]) -> Problems:
    """The problems that istiod refuses an object for: in some places it drops the warnings of what lies below."""
    return (problem for problem in found if problem.weight == "invalid")
