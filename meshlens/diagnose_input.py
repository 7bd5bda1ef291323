"""What `meshlens diagnose PATH...` reads: objects at once, anything else through the ingest job."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from meshlens.exits import fail

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from analyzers.framework.analyzer import Options, Report
    from analyzers.framework.suppression import Suppression
    from pipelines.jobs.objects import ObjectsRead
    from pipelines.lake.session import Session
    from pipelines.sources.kubernetes_live import Reading

#: Remarks of one kind that are told; the rest are counted.
_NOTED: Final = 10
_STDIN_BYTES: Final = 512 << 20


def diagnose_paths(
    paths: Sequence[str],
    lake: str | None,
    options: Options,
    suppressions: Sequence[Suppression],
    definitions: pa.Table | None = None,
    live: Mapping[str, bytes] = MappingProxyType({}),
) -> tuple[Report, dict[str, bytes]]:
    """Diagnose what paths name (`-`: standard input), over the objects of a lake where one is named.

    `live` has what clusters hold, as events, by their names. `definitions` are CustomResourceDefinitions (rows of
    `mesh_objects`) that count beside those objects. Returns the report and, by source, the bytes of what is no file.
    Nothing is kept.

    Raises:
        InputError: a path does not exist.
        LakeError: the lake cannot be read.
        AnalyzerError: an analyzer failed.
    """
    from analyzers.framework.run import diagnose_session
    from pipelines.jobs.objects import STDIN, objects_of_bytes, read_objects
    from pipelines.lake.session import open_session, session_without_lake

    contents = {**live, **({STDIN: _standard_input()} if "-" in paths else {})}
    files = [path for path in paths if path != "-"]
    read = read_objects(files)
    if read.others and lake is not None:
        fail(f"{read.others[0]} holds no objects; run `meshlens ingest` on it first, then diagnose the lake")
    if read.others:
        report = _through_a_lake(files, (contents, definitions), options, suppressions)
        return report, contents
    for source, data in contents.items():
        read = read.joined(objects_of_bytes(data, source))
    unread = [f"not read: {skip.path}: {skip.reason}" for skip in read.skipped]
    if not read.objects.num_rows and not read.rejects.num_rows:
        fail("\n".join([f"nothing to diagnose in {', '.join([*paths, *live])}", *unread[:_NOTED]]))
    with session_without_lake() if lake is None else open_session(lake) as session:
        _add(session, read if lake is None else read.as_of_now(), definitions)
        report = diagnose_session(session, options, suppressions)
    accepted, rejected = read.objects.num_rows, read.rejects.num_rows
    counted = f"read {accepted + rejected:,} records: {accepted:,} accepted, {rejected:,} rejected"
    notes = (counted, *_told(_other_documents(read.rejects)), *_told(read.repeated()), *_told(unread))
    return replace(report, notes=(*report.notes, *notes)), contents


def _through_a_lake(
    paths: Sequence[str],
    beside: tuple[dict[str, bytes], pa.Table | None],
    options: Options,
    suppressions: Sequence[Suppression],
) -> Report:
    """Read the paths into a lake that is gone afterwards, and diagnose it with contents and definitions beside."""
    from tempfile import TemporaryDirectory

    from analyzers.framework.run import diagnose_session
    from pipelines.jobs.commit import AccountingError
    from pipelines.jobs.ingest import run_ingest
    from pipelines.jobs.objects import ObjectsRead, objects_of_bytes
    from pipelines.lake.session import open_session

    with TemporaryDirectory(prefix="meshlens-") as folder:
        lake = str(Path(folder, "lake"))
        try:
            read = run_ingest(paths, lake)
        except AccountingError as error:
            fail(str(error))
        unread = [f"not read: {skip.path}: {skip.reason}" for skip in read.skipped]
        if read.run_id is None:
            fail("\n".join([f"nothing to diagnose in {', '.join(paths)}", *unread[:_NOTED]]))
        with open_session(lake) as session:
            contents, definitions = beside
            read_beside = ObjectsRead()
            for source, data in contents.items():
                read_beside = read_beside.joined(objects_of_bytes(data, source).as_of_now())
            _add(session, read_beside, definitions)
            report = diagnose_session(session, options, suppressions)
    counted = f"read {read.read:,} records: {read.accepted:,} accepted, {read.rejected:,} rejected"
    copies = sum(overlap.records for overlap in read.overlaps)
    unread += [f"{copies:,} records came by two paths; each counts once"] if copies else []
    return replace(report, notes=(*report.notes, counted, *_told(unread), *read.warnings, *read.notes))


def live_objects(contexts: Sequence[str], reading: Reading) -> dict[str, bytes]:
    """What the clusters of these contexts (none: the current one) hold, as events, by `live:CONTEXT`.

    Raises:
        InputError: a cluster cannot be read.
    """
    from pipelines.sources.kubernetes_api import Cluster
    from pipelines.sources.kubernetes_live import snapshot

    found: dict[str, bytes] = {}
    for context in contexts or (None,):
        cluster = Cluster.connect(context, named=len(contexts) > 1)
        taken = snapshot(cluster, reading)
        for line in taken.refused:
            reading.tell(line)
        found[f"live:{cluster.context}"] = taken.lines
    return found


def definitions_of(paths: Sequence[Path]) -> pa.Table:
    """The CustomResourceDefinitions in files, as rows of `mesh_objects`.

    Raises:
        InputError: a path does not exist, cannot be read whole, or holds no definition.
    """
    import pyarrow.compute as pc

    from pipelines.inputs.errors import InputError
    from pipelines.jobs.objects import read_objects

    read = read_objects([str(path) for path in paths]).as_of_now()
    for reject in read.rejects.to_pylist():
        raise InputError(f"{reject['source']} at byte {reject['source_offset']}: {reject['reason']}")
    definitions = read.objects.filter(pc.field("kind") == "CustomResourceDefinition")
    if not definitions.num_rows:
        named = ", ".join(map(str, paths))
        raise InputError(f"{named}: no CustomResourceDefinition; give what `kubectl get crd -o yaml` prints")
    return definitions


def _add(session: Session, read: ObjectsRead, definitions: pa.Table | None) -> None:
    from pipelines.schemas import MESH_OBJECTS, REJECTS

    session.add(MESH_OBJECTS.name, read.objects)
    if definitions is not None:
        session.add(MESH_OBJECTS.name, definitions)
    session.add(REJECTS.name, read.rejects)


def _standard_input() -> bytes:
    data = sys.stdin.buffer.read(_STDIN_BYTES + 1)
    if len(data) > _STDIN_BYTES:
        fail(f"standard input has more than {_STDIN_BYTES >> 20} MiB; write it to files, one for each kind")
    return data


def _other_documents(rejects: pa.Table) -> list[str]:
    from pipelines.parsers.kubernetes_objects import is_other_document

    return [
        f"no object: {row['source']} at byte {row['source_offset']}: {row['reason']}"
        for row in rejects.select(["source", "source_offset", "reason"]).to_pylist()
        if is_other_document(row["reason"])
    ]


def _told(remarks: Sequence[str]) -> list[str]:
    """The first remarks, and how many there are beside them."""
    more = len(remarks) - _NOTED
    return [*remarks[:_NOTED], *([f"{more:,} more like the last"] if more > 0 else [])]
