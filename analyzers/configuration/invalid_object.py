"""Istio objects that istiod refuses, takes with a warning, or reads only in part.

**What.** The rules of istiod's validation for every one of its kinds: names, ports, durations, regular expressions,
fields that exclude each other; rules and matches of a VirtualService that earlier ones leave nothing for.

**Why it matters.** With the validation webhook such an object cannot be applied. Without it (a webhook that is off or
unreachable, files in a repository) istiod ignores the object, or the part, and says so in its log only.

**Evidence.** The place in the object and the reason.

**Fix.** The message says what is expected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import istio_code
from analyzers.configuration.report import finding
from analyzers.configuration.validation.kinds import VALIDATORS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.analyzer import Check
    from analyzers.configuration.rules import Rules
    from analyzers.configuration.validation.problems import Weight
    from analyzers.framework.analyzer import Code
    from analyzers.framework.finding import Finding
    from analyzers.mesh.kinds import KindKey
    from analyzers.mesh.model import Mesh

INVALID: Final = istio_code(106, "Invalid object", "error", "istiod refuses the object.")
DOUBTFUL: Final = istio_code(133, "Doubtful object", "warning", "istiod takes the object and warns of it.")
UNREACHABLE: Final = istio_code(
    130, "Unreachable rule", "warning", "Earlier rules of the VirtualService leave nothing for a rule.", "KIA1108"
)
INEFFECTIVE: Final = istio_code(
    131, "Ineffective match", "info", "An earlier rule of the VirtualService has the same, or a wider, match."
)
_CODES: Final[dict[Weight, Code]] = {
    "invalid": INVALID,
    "doubtful": DOUBTFUL,
    "advice": DOUBTFUL,
    "unreachable": UNREACHABLE,
    "ineffective": INEFFECTIVE,
}


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every Istio object."""
    for kind in VALIDATORS:
        yield from _of_kind(kind, mesh, rules)


def check_of(kind: KindKey) -> Check:
    """The check of one kind alone, as Istio has an analyzer for each."""
    return lambda mesh, rules: _of_kind(kind, mesh, rules)


def _of_kind(kind: KindKey, mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    validate = VALIDATORS[kind]
    for item in mesh.of_kind(kind):
        for problem in validate(item):
            # What Istio says of every object of a kind tells nothing about this one.
            if rules.istio or problem.weight != "advice":
                code = _CODES[problem.weight]
                yield finding(code, item, problem.message, path=problem.path, identity=(problem.message,))


ANALYZER: Final = configuration_analyzer(
    "invalid_object",
    kinds=tuple(VALIDATORS),
    codes=(INVALID, DOUBTFUL, UNREACHABLE, INEFFECTIVE),
    check=check,
    documentation=__doc__ or "",
)
