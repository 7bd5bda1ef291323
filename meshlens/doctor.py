"""`meshlens doctor`: what is here, what is missing, what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from meshlens.options import DEFAULT_LAKE, LakeOption

if TYPE_CHECKING:
    from pipelines.lake.session import Session

#: Optional parts: the extra that installs one, the module that shows it is there, and what it is for.
EXTRAS = {
    "kubernetes": ("kubernetes", "live clusters"),
    "kafka": ("confluent_kafka", "streaming from Kafka"),
    "remote": ("fsspec", "input from other than S3, GCS, Azure and the web"),
    "notify": ("apprise", "sending alerts"),
}
LIBRARIES = ("apache-beam", "pyarrow", "duckdb", "deltalake", "streamlit")


def doctor(
    lake: LakeOption = DEFAULT_LAKE,
    output: Annotated[Literal["table", "json"], typer.Option("--output", "-o", help="How to print it.")] = "table",
) -> None:
    """What was found where, versions, what is missing and the next step. Exits with 3 where there is no lake."""
    import json

    from meshlens.exits import ERROR
    from pipelines.lake.errors import LakeError
    from pipelines.lake.session import open_session

    report: dict[str, object] = {"versions": _versions(), "extras": _extras(), "lake": lake}
    missing: list[str] = []
    failed = False
    try:
        with open_session(lake) as session:
            report |= _contents(session)
            missing = _missing(session)
    except LakeError as error:
        failed = True
        missing = [str(error)]
    report["missing"] = missing
    print(json.dumps(report, indent=2, default=str) if output == "json" else _text(report))
    if failed:
        raise typer.Exit(ERROR)


def _versions() -> dict[str, str]:
    import platform
    from importlib.metadata import version

    return {
        "meshlens": version("meshlens"),
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
    }


def _extras() -> dict[str, bool]:
    from importlib.util import find_spec

    return {extra: find_spec(module) is not None for extra, (module, _) in EXTRAS.items()}


def _contents(session: Session) -> dict[str, object]:
    return {
        "run": session.snapshot.run_id,
        "tables": session.query("lake_contents").to_pylist(),
        "unlogged": session.query("unlogged_pods").to_pylist(),
    }


def _missing(session: Session) -> list[str]:
    """What each analyzer lacks, and proxies or log files that cannot be matched, with the next step."""
    from analyzers.framework.registry import load
    from analyzers.framework.run import missing_inputs

    lines = [
        f"{skip.analyzer} {'says less' if skip.partial else 'will be skipped'}: "
        f"no {' and no '.join(skip.missing)}{f' ({skip.reason})' if skip.reason else ''}"
        for skip in missing_inputs(session, load())
    ]
    unmatched = session.query("unlogged_pods").to_pylist()
    pods = [row["name"] for row in unmatched if row["what"] == "pod"]
    sources = [row["name"] for row in unmatched if row["what"] == "source"]
    if pods and session.rows("access_logs"):
        lines.append(f"{len(pods)} pods with a proxy logged nothing, {pods[0]} for one: collect their logs")
    if sources:
        lines.append(
            f"{len(sources)} log sources name no known pod, {sources[0]} for one: ingest the cluster's objects "
            "(kubectl get pods,services,endpointslices -A -o yaml) or say --pod NAMESPACE/POD"
        )
    return lines


def _text(report: dict[str, object]) -> str:
    lines = ["versions"]
    lines += [f"  {name} {value}" for name, value in _mapping(report["versions"]).items()]
    lines.append("optional parts")
    for extra, present in _mapping(report["extras"]).items():
        hint = "" if present else f" (pip install 'meshlens[{extra}]')"
        lines.append(f"  {extra}: {'here' if present else 'not here'}, for {EXTRAS[extra][1]}{hint}")
    lines.append(f"lake {report['lake']}")
    tables = report.get("tables")
    if isinstance(tables, list):
        lines += [
            f"  {row['table_name']}: {row['rows_held']} rows of {row['sources']} sources"
            + (f", {row['first_seen']} to {row['last_seen']}" if row["first_seen"] else "")
            for row in tables
        ]
    missing = report["missing"]
    if isinstance(missing, list):
        lines.append("missing" if missing else "nothing is missing")
        lines += [f"  {line}" for line in missing]
    return "\n".join(lines)


def _mapping(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise TypeError("the report is built of mappings")
    return value
