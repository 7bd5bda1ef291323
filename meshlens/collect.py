"""`meshlens collect`: what live clusters hold, as files that `ingest` and `diagnose` read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from meshlens.options import ContextOption  # noqa: TC001 - typer reads the annotation

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelines.sources.kubernetes_live import Reading

SecretsOption = Annotated[
    bool,
    typer.Option("--secrets", help="Also Secrets, of which names, sizes and certificates' facts are kept, no values."),
]
SystemNamespaceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--system-namespace", metavar="NS", help="Where a control plane's ConfigMaps are. Default: istio-system."
    ),
]

#: Snapshots are written under another name first, so that a reader never meets half of one.
_PART: Final = ".part"


def collect(
    context: ContextOption = None,
    out: Annotated[Path, typer.Option("--out", help="Folder to write to; a folder in it for each cluster.")] = Path(
        "cluster"
    ),
    watch: Annotated[  # noqa: FBT002 - a flag
        bool, typer.Option("--watch", help="Go on recording changes until interrupted.")
    ] = False,
    secrets: SecretsOption = False,  # noqa: FBT002 - a flag
    system_namespace: SystemNamespaceOption = None,
) -> None:
    """A read-only snapshot of live clusters: objects.jsonl, and with --watch every change in watch.jsonl.

    Nothing but GET is sent. What may not be read is said and left out (deploy/kubernetes/collect.yaml grants it).
    Exits with 3 where a cluster cannot be read at all.
    """
    import sys
    import time

    from meshlens.exits import fail
    from pipelines.inputs.errors import InputError
    from pipelines.sources.kubernetes_api import Cluster
    from pipelines.sources.kubernetes_live import Recorder, snapshot

    reading = reading_of(system_namespace, secrets=secrets)
    contexts: list[str | None] = [*context] if context else [None]
    recorders = []
    try:
        for name in contexts:
            cluster = Cluster.connect(name, named=len(contexts) > 1)
            taken = snapshot(cluster, reading)
            folder = out / folder_name(cluster.context)
            folder.mkdir(parents=True, exist_ok=True)
            part = folder / f"objects.jsonl{_PART}"
            part.write_bytes(taken.lines)
            part.replace(folder / "objects.jsonl")
            for line in taken.refused:
                print(f"meshlens: {line}", file=sys.stderr)
            objects = sum(len(listed.objects) for listed in taken.listed.values())
            print(
                f"{cluster.context}: {objects} objects of {len(taken.listed)} resources in {folder / 'objects.jsonl'}"
            )
            if watch:
                recorder = Recorder(cluster, reading, _appending(folder / "watch.jsonl"))
                recorder.start(taken)
                recorders.append(recorder)
    except InputError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{out}: cannot be written: {error.strerror}; name another folder with --out")
    try:
        while recorders:
            time.sleep(1)
    except KeyboardInterrupt:
        for recorder in recorders:
            recorder.stop()


def reading_of(system_namespaces: list[str] | None, *, secrets: bool) -> Reading:
    """What is read of each cluster; trouble is told on stderr."""
    import sys

    from pipelines.sources.kubernetes_live import Reading

    def tell(text: str) -> None:
        print(f"meshlens: {text}", file=sys.stderr, flush=True)

    return Reading(tuple(system_namespaces or ("istio-system",)), secrets, tell)


def folder_name(context: str) -> str:
    """A context's name as a folder: whatever is no letter, digit, dot or dash becomes a dash."""
    import re

    return re.sub(r"[^A-Za-z0-9.-]+", "-", context).strip(".-") or "cluster"


def _appending(path: Path) -> Callable[[bytes], None]:
    """Writes whole lines, one at a time, and at once."""
    import threading

    lock = threading.Lock()

    def write(line: bytes) -> None:
        with lock, path.open("ab") as file:
            file.write(line)

    return write
