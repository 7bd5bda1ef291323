"""Objects that their CustomResourceDefinition refuses: wrong types and values, unknown fields, broken rules.

**What.** Every object of a kind with a CustomResourceDefinition against that definition's OpenAPI schema and its CEL
rules, as the API server checks them; its version against those that are served. Definitions are those of the object's
own cluster, of the files, or of `--crds`.

**Why it matters.** The API server refuses such an object, in CI before it is applied, or after an upgrade brings the
new definitions. An unknown field is worse: without strict validation it is dropped in silence, and what it was to set
stays as it was.

**Evidence.** The path, the reason, the nearest known name, the rule.

**Fix.** Correct the place. `kubectl explain KIND.PATH` shows what is allowed there.

Rules that compare an object with the one before it (`oldSelf`) need both and are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.report import finding
from analyzers.framework.analyzer import Code
from analyzers.schema.definitions import KIND, Definitions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject
    from analyzers.schema.check import Problem, ProblemKind

VALUE: Final = Code(
    "ML3002",
    "Value that the schema refuses",
    "error",
    "A value of the wrong type, out of bounds, of the wrong form, missing, or one too many of a choice.",
)
UNKNOWN_FIELD: Final = Code(
    "ML3003",
    "Unknown field",
    "error",
    "A field that the schema does not name: refused under strict validation, else dropped in silence.",
)
RULE: Final = Code(
    "ML3004", "Rule of the schema broken", "error", "A CEL rule of the CustomResourceDefinition is not kept."
)
NOT_SERVED: Final = Code(
    "ML3005", "Version or kind not served", "error", "The cluster's definitions do not have this version or kind."
)
NOT_EVALUATED: Final = Code(
    "ML3006",
    "Rule that cannot be evaluated",
    "info",
    "A rule of a definition that could not be compiled here: nothing is said of objects in its respect.",
)
DEPRECATED: Final = Code(
    "ML3007", "Deprecated version", "warning", "The definition says that this version is on its way out."
)
_CODES: Final[dict[ProblemKind, Code]] = {"value": VALUE, "unknown_field": UNKNOWN_FIELD, "rule": RULE}


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every object whose kind is defined, cluster by cluster."""
    for cluster in mesh.clusters:
        definitions = definitions_of(mesh, cluster)
        used = set()
        for key in mesh.kinds:
            for item in mesh.of_kind(key, cluster=cluster):
                if item.group not in definitions.groups:
                    continue
                used.add((item.group, item.kind))
                if not rules.namespaces or item.namespace in {"", *rules.namespaces}:
                    yield from _object(item, definitions)
        yield from _rules_not_evaluated(mesh, definitions, used)


def definitions_of(mesh: Mesh, cluster: str) -> Definitions:
    """What a cluster serves; definitions that belong to no cluster (of files) count where it has no own."""
    return mesh.cached(f"definitions of {cluster}", lambda mesh: _definitions(mesh, cluster))


def _definitions(mesh: Mesh, cluster: str) -> Definitions:
    shared = mesh.of_kind(KIND, cluster="") if cluster else ()
    return Definitions.of(item.document for item in (*shared, *mesh.of_kind(KIND, cluster=cluster)))


def _object(item: MeshObject, definitions: Definitions) -> Iterator[Finding]:
    version = definitions.version(item.api_version, item.kind)
    if version is None:
        reason = definitions.not_served(item.api_version, item.kind)
        if reason is not None:
            known = (item.group, item.kind) in definitions.kinds
            yield finding(NOT_SERVED, item, reason, path="apiVersion" if known else "kind")
        return
    if version.is_deprecated:
        told = version.deprecation_warning or f"{item.api_version} of {item.kind} is deprecated"
        yield finding(DEPRECATED, item, told, path="apiVersion")
    for problem in version.problems(item.document):
        yield _told(item, problem)


def _told(item: MeshObject, problem: Problem) -> Finding:
    evidence = {"nearest": problem.nearest, "rule": problem.rule}
    return finding(
        _CODES[problem.kind],
        item,
        f"{problem.path}: {problem.reason}" if problem.path else problem.reason,
        path=problem.path or None,
        evidence={key: value for key, value in evidence.items() if value is not None},
        next_step=f"Is {problem.nearest} meant?" if problem.nearest is not None else None,
        identity=(problem.rule or "",),
    )


def _rules_not_evaluated(mesh: Mesh, definitions: Definitions, used: set[tuple[str, str]]) -> Iterator[Finding]:
    """Rules that nothing is said of, once for each definition whose kind is in use."""
    by_name = {item.name: item for item in mesh.of_kind(KIND)}
    for kind in sorted(used & definitions.kinds.keys()):
        told: dict[str, tuple[str, str]] = {}
        for version in definitions.kinds[kind].values():
            for rule in version.unusable_rules() if version.is_served else ():
                told.setdefault(rule.text, (version.definition, rule.problem))
        for text, (name, problem) in told.items():
            item = by_name.get(name)
            if item is not None:
                message = f"a rule of {kind[1]} is not evaluated: {problem}"
                yield finding(NOT_EVALUATED, item, message, evidence={"rule": text}, identity=(text,))


ANALYZER: Final = configuration_analyzer(
    "schema_violation",
    kinds=(KIND,),
    codes=(VALUE, UNKNOWN_FIELD, RULE, NOT_SERVED, NOT_EVALUATED, DEPRECATED),
    check=check,
    documentation=__doc__ or "",
    reason="Name the files of the definitions with --crds, or ingest them: kubectl get crd -o yaml.",
)
