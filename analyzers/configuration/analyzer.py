"""From a check of the mesh's configuration to an analyzer that the framework runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from analyzers.configuration.common import IGNORED_NAMESPACES
from analyzers.configuration.report import as_istio_prints
from analyzers.configuration.rules import Rules
from analyzers.framework.analyzer import Analyzer, Code, Input
from analyzers.framework.finding import Finding
from analyzers.mesh.load import mesh_of_session
from analyzers.mesh.model import Mesh

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.framework.analyzer import Options
    from pipelines.lake.session import Session

Check = Callable[[Mesh, Rules], Iterable[Finding]]


def configuration_analyzer(
    name: str,
    *,
    kinds: tuple[str, ...],
    codes: tuple[Code, ...],
    check: Check,
    documentation: str,
    on_request: bool = False,
    reason: str = "Ingest the cluster's objects: kubectl get ... -o yaml, or meshlens collect.",
) -> Analyzer:
    """An analyzer of the family `diagnosis` that runs `check` over the mesh of a lake.

    Args:
        name: the symptom, as the registry has it.
        kinds: kinds (keys of the model) of which at least one must have been ingested.
        codes: what it may find.
        check: the check; it must not raise, whatever objects hold.
        documentation: what, why it matters, evidence, fix.
        on_request: run it only where it is named.
        reason: how to come by those kinds.
    """

    def run(session: Session, options: Options) -> Iterator[Finding]:
        rules = Rules(istio=options.compat == "istio", namespaces=options.namespaces, now=datetime.now(UTC))
        mesh = mesh_of(session, options)
        findings = check(mesh.without_namespaces(IGNORED_NAMESPACES), rules) if rules.istio else check(mesh, rules)
        for found in as_istio_prints(findings) if rules.istio else findings:
            if not options.namespaces or _namespace(found) in {"", *options.namespaces}:
                yield replace(found, analyzer=name)

    stated = tuple(dict.fromkeys("Gateway" if kind == "KubernetesGateway" else kind for kind in kinds))
    return Analyzer(
        name=name,
        family="diagnosis",
        inputs=(Input(("mesh_objects",), kinds=stated, reason=reason),),
        codes=codes,
        run=run,
        documentation=documentation,
        reproduces=("istio",) if any(alias.startswith("IST") for code in codes for alias in code.aliases) else (),
        on_request=on_request,
    )


def mesh_of(session: Session, options: Options) -> Mesh:
    """The mesh of a session at the end of the period asked for, loaded once."""
    return session.cached(f"mesh until {options.until}", lambda: mesh_of_session(session, options.until))


def _namespace(found: Finding) -> str:
    return (found.object or "//").split("/")[1]
