"""`meshlens recommend`: a Sidecar for each workload, from what it was seen to call."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotation when it runs
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from meshlens.options import DEFAULT_LAKE, LakeOption, NamespaceOption, duration

if TYPE_CHECKING:
    from analyzers.scoping.export import Exported
    from analyzers.scoping.model import Recommendation, ScopingResult
    from analyzers.scoping.proposal import Proposal


_NAMED = 5  # of those that are left out, per reason


def recommend(
    *,
    lake: LakeOption = DEFAULT_LAKE,
    namespace: NamespaceOption = None,
    workload: Annotated[
        list[str] | None, typer.Option("--workload", help="Only this workload; may be given more than once.")
    ] = None,
    min_window: Annotated[
        str, typer.Option("--min-window", help="How long a workload must have been observed: 30s, 24h, 14d.")
    ] = "24h",
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the manifests into this folder, ready for Kustomize.")
    ] = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove files of ours in --out that are no longer recommended.")
    ] = False,
    include_review: Annotated[
        bool, typer.Option("--include-review", help="Make manifests that want a review Kustomize resources too.")
    ] = False,
    minimal_base: Annotated[
        bool,
        typer.Option(
            "--minimal-base",
            help="Import for the proxy itself only the hosts that configuration names, not all of the control plane's"
            " namespace.",
        ),
    ] = False,
    source: Annotated[
        Literal["auto", "lines", "minutes"],
        typer.Option(
            "--source",
            help="Read calls from access-log lines or from the minute rollup, which is faster and knows no requested"
            " names; `auto` takes the rollup where there are no lines.",
        ),
    ] = "auto",
    level: Annotated[
        Literal["auto", "workload", "namespace"],
        typer.Option(
            "--level",
            help="Which Sidecars become Kustomize resources: `auto` takes a namespace's where it may be applied and its"
            " workloads' would save little more.",
        ),
    ] = "auto",
    explain: Annotated[
        str | None,
        typer.Option(
            "--explain",
            metavar="WORKLOAD",
            help="Show the whole reasoning for one workload, or for a target such as Service/shop/web, Namespace/shop"
            " or Mesh.",
        ),
    ] = None,
    crds: Annotated[
        list[Path] | None,
        typer.Option("--crds", help="CustomResourceDefinitions to check manifests against, before those of the lake."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 4 where inputs are missing.")] = False,
    output: Annotated[
        Literal["table", "yaml", "json", "kustomize", "markdown"],
        typer.Option(
            "--output",
            "-o",
            "--format",
            help="How to print it: `yaml` are all manifests, `kustomize` the whole tree as one text with a path before"
            " each file, `markdown` the body of a pull request.",
        ),
    ] = "table",
) -> None:
    """Sidecars, exportTo and discoverySelectors from observed calls, or the reason why not. Nothing is ever applied.

    EMIT may be applied, EMIT_REVIEW wants a human's look, ABSTAIN has no manifest. The result is kept in the lake.
    """
    from dataclasses import replace

    from analyzers.scoping.assessment import Settings
    from analyzers.scoping.export import ExportError, export, exported_files
    from analyzers.scoping.records import recommend_lake
    from analyzers.scoping.resource_definitions import DefinitionError, read_definitions
    from analyzers.scoping.revisions import record
    from meshlens.actor import actor
    from meshlens.exits import SKIPPED, fail
    from pipelines.lake.errors import LakeError

    target = explain if explain and (explain == "Mesh" or "/" in explain) else None
    names = [*(workload or ()), *((explain,) if explain and not target else ())]
    settings = Settings(duration(min_window), tuple(namespace or ()), tuple(names), not minimal_base, source)
    try:
        result = recommend_lake(lake, settings, read_definitions(crds or ()))
        exported = revision = None
        if out is not None and not result.skipped:
            complete = not (names or namespace)
            exported = export(
                result.recommendations,
                out,
                proposals=result.proposals,
                level=level,
                complete=complete,
                prune=prune,
                include_review=include_review,
            )
            revision = record(lake, exported_files(out), folder=str(out.resolve()), actor=actor())
    except (LakeError, ExportError, DefinitionError) as error:
        fail(str(error))
    if target and not result.skipped:
        chosen = tuple(item for item in result.proposals if item.target == target)
        result = replace(result, recommendations=(), proposals=chosen)
    if explain and not result.skipped and not (result.recommendations or result.proposals):
        fail(_unknown(explain, result))
    _print(result, "explain" if explain else output, level)
    _remark(result, exported, out)
    if revision is not None:
        print(f"{out}: kept as revision {revision} (meshlens revisions, diff, rollback)", file=sys.stderr)
    if strict and result.skipped:
        raise typer.Exit(SKIPPED)


def _print(result: ScopingResult, output: str, level: Literal["auto", "workload", "namespace"]) -> None:
    import json

    from analyzers.framework.export.json import json_value
    from analyzers.scoping.explain import explanation, proposal_explanation
    from analyzers.scoping.export import tree
    from analyzers.scoping.manifest import to_yaml
    from analyzers.scoping.markdown import markdown
    from analyzers.scoping.records import document

    if output == "json":
        print(json.dumps(document(result), indent=2, default=json_value))
    elif output == "yaml":
        found = [item.manifest for item in result.recommendations] + [item.manifest for item in result.proposals]
        manifests = [manifest for manifest in found if manifest is not None]
        print("---\n".join(to_yaml(manifest) for manifest in manifests), end="")
    elif output == "markdown":
        print(markdown(result), end="")
    elif output == "kustomize":
        files = tree(result.recommendations, result.proposals, level)
        print("---\n".join(f"# {path}\n{text}" for path, text in files.items()), end="")
    elif output == "explain":
        texts = [*map(explanation, result.recommendations), *map(proposal_explanation, result.proposals)]
        print("\n".join(texts), end="")
    else:
        _print_table(result.recommendations)
        _print_proposals(result.proposals)


def _print_table(recommendations: tuple[Recommendation, ...]) -> None:
    from analyzers.scoping.manifest import coverage_text
    from analyzers.scoping.names import printable

    width = max((len(f"{item.namespace}/{item.workload}") for item in recommendations), default=0)
    for item in recommendations:
        name = f"{item.namespace}/{item.workload}"
        print(f"{name:<{width}}  {item.verdict:<11}  {coverage_text(item.coverage)}")
        for host in item.hosts:
            print(f"    {host}{' (BASE)' if host in item.base else ''}")
        for reason in item.reasons:
            print(printable(f"    ! {f'{reason.code}: ' if reason.code else ''}{reason.message}"))


def _print_proposals(proposals: tuple[Proposal, ...]) -> None:
    from analyzers.scoping.names import printable

    for item in proposals:
        preferred = ", preferred to its workloads'" if item.is_preferred else ""
        print(printable(f"{item.kind} for {item.target}  {item.verdict}{preferred}"))
        print(printable(f"    {', '.join(item.values)}"))
        for reason in item.reasons:
            print(printable(f"    ! {f'{reason.code}: ' if reason.code else ''}{reason.message}"))


def _remark(result: ScopingResult, exported: Exported | None, out: Path | None) -> None:
    """What is not the result itself, on stderr."""
    lines = [f"skipped: needs {missing}" for missing in result.skipped]
    lines += [f"note: {note}" for note in result.notes]
    if not result.recommendations and not result.skipped:
        lines.append("no workload with a sidecar is in the inventory, or none of those asked for")
    for why in sorted({left.because for left in result.excluded}):
        names = [f"{left.namespace}/{left.workload}" for left in result.excluded if left.because == why]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        lines.append(f"never a Sidecar ({why}): {', '.join(names[:_NAMED])}{more}")
    if exported is not None:
        lines.append(f"{out}: {len(exported.written)} files written, {len(exported.unchanged)} unchanged")
        lines += [f"no longer recommended, left in place (--prune removes it): {out}/{path}" for path in exported.stale]
        lines += [f"removed: {out}/{path}" for path in exported.removed]
    for line in lines:
        print(line, file=sys.stderr)


def _unknown(name: str, result: ScopingResult) -> str:
    for item in result.excluded:
        if item.workload == name:
            return f"{item.namespace}/{name} never gets a Sidecar: {item.because}"
    if name == "Mesh" or "/" in name:
        return f"nothing is recommended for {name}; `meshlens recommend` lists every target"
    return f"no workload is called {name}; `meshlens recommend` lists them"
