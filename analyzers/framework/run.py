"""Running analyzers over a lake: check their inputs, run them, silence what is suppressed, keep the result."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from analyzers.framework.analyzer import Options, Report, Skipped
from analyzers.framework.blast_radius import calls_touched, with_traffic
from analyzers.framework.finding import SEVERITIES
from analyzers.framework.registry import load_family
from analyzers.framework.store import keep
from analyzers.framework.suppression import Annotations, suppress
from pipelines.lake.session import open_session
from pipelines.schemas import MESH_OBJECTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pyarrow as pa

    from analyzers.framework.analyzer import Analyzer, Input
    from analyzers.framework.finding import Finding
    from analyzers.framework.suppression import Suppression
    from pipelines.lake.session import Session


class AnalyzerError(RuntimeError):
    """An analyzer failed; the message names it."""


def run_analyzers(
    session: Session,
    analyzers: Sequence[Analyzer],
    options: Options,
    suppressions: Iterable[Suppression] = (),
) -> Report:
    """Run every analyzer whose inputs are there and report the rest as skipped.

    Findings are sorted by severity (worst first), calls touched (most first), time, code and subject.

    Raises:
        AnalyzerError: an analyzer failed.
    """
    kinds = object_kinds(session)
    findings: list[Finding] = []
    skipped: list[Skipped] = []
    ran: list[str] = []
    for analyzer in analyzers:
        skips = _missing(session, analyzer, kinds)
        skipped.extend(skips)
        if any(not skip.partial for skip in skips):
            continue
        try:
            findings.extend(analyzer.run(session, options))
        except Exception as error:
            raise AnalyzerError(f"analyzer {analyzer.name}: {error}") from error
        ran.append(analyzer.name)
    aliases = {code.code: code.aliases for analyzer in analyzers for code in analyzer.codes}
    silenced = suppress(findings, (Annotations(object_annotations(session, kinds)), *suppressions), aliases)
    ranked = sorted(with_traffic(session, silenced, options), key=_order)
    return Report(tuple(ranked), tuple(skipped), tuple(ran))


def diagnose_lake(
    lake_uri: str,
    options: Options | None = None,
    suppressions: Iterable[Suppression] = (),
    *,
    added: pa.Table | None = None,
    kept: bool = True,
) -> Report:
    """Run the analyzers of the family `diagnosis` over a lake; with `options.compat` those that reproduce that tool.

    `added` are objects (`mesh_objects`) that count beside the lake's. The report is `kept` in the lake, and its
    `run_id` names the run; doing so again on the same lake adds nothing.

    Raises:
        LakeError: the lake cannot be read or written.
        AnalyzerError: an analyzer failed.
    """
    with open_session(lake_uri) as session:
        if added is not None:
            session.add(MESH_OBJECTS.name, added)
        report = diagnose_session(session, options, suppressions)
        return replace(report, run_id=keep(lake_uri, session, report)) if kept else report


def diagnose_session(
    session: Session, options: Options | None = None, suppressions: Iterable[Suppression] = ()
) -> Report:
    """Run the analyzers of the family `diagnosis` over an open session; nothing is kept.

    Raises:
        AnalyzerError: an analyzer failed.
    """
    chosen = options or Options()
    analyzers = tuple(
        analyzer
        for analyzer in load_family("diagnosis")
        if chosen.compat is None or chosen.compat in analyzer.reproduces
    )
    return run_analyzers(session, analyzers, chosen, suppressions)


def missing_inputs(session: Session, analyzers: Iterable[Analyzer]) -> tuple[Skipped, ...]:
    """What the analyzers would lack on this lake, without running them."""
    kinds = object_kinds(session)
    return tuple(skip for analyzer in analyzers for skip in _missing(session, analyzer, kinds))


def object_kinds(session: Session) -> frozenset[str]:
    """The kinds of object that the lake has seen."""
    if session.rows("mesh_objects") == 0:
        return frozenset()
    return frozenset(session.query("object_kinds").column("kind").to_pylist())


def object_annotations(session: Session, kinds: frozenset[str]) -> dict[str, dict[str, str]]:
    """`Kind/namespace/name` -> annotations, of the objects that carry an annotation Meshlens reads."""
    if not kinds:
        return {}
    keys = [rule.key for rule in Annotations({}).rules]
    rows = session.query("suppression_annotations", keys=keys).to_pylist()
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        found.setdefault(row["object"], {})[row["annotation_key"]] = row["annotation_value"]
    return found


def _missing(session: Session, analyzer: Analyzer, kinds: frozenset[str]) -> list[Skipped]:
    """What `analyzer` lacks: at most one skip for its required inputs, one partial skip for each optional one."""
    absent = [given for given in analyzer.inputs if not _present(session, given, kinds)]
    required = [given for given in absent if not given.optional]
    if required:
        reason = "; ".join(given.reason for given in required if given.reason)
        return [Skipped(analyzer.name, tuple(given.describe() for given in required), reason)]
    return [Skipped(analyzer.name, (given.describe(),), given.reason, partial=True) for given in absent]


def _present(session: Session, given: Input, kinds: frozenset[str]) -> bool:
    if given.kinds:
        return not kinds.isdisjoint(given.kinds)
    return any(session.rows(table) > 0 for table in given.tables)


def _order(finding: Finding) -> tuple[int, int, str, str, str]:
    when = finding.first_seen.isoformat() if finding.first_seen else ""
    return (-SEVERITIES.index(finding.severity), -calls_touched(finding), when, finding.code, finding.subject)
