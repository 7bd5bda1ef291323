"""Kubernetes documents that cannot be read: broken YAML, a key given twice, an object without a name.

**What.** Documents of files, dumps and watches that were rejected, with the reason and where. Documents meant for other
tools (Helm charts and values, kustomizations, kubeconfigs, templates not rendered yet) are no findings.

**Why it matters.** `kubectl apply` refuses such a document, and no other check sees what is in it: what it defines
counts as absent. Of a key given twice Kubernetes silently keeps the last.

**Evidence.** The source, the offset of the document in it, the reason.

**Fix.** Correct the place that the reason names; `kubectl apply --dry-run=server -f FILE` shows what the cluster says.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from analyzers.framework.analyzer import Analyzer, Code, Input
from analyzers.framework.export.texts import source_text
from analyzers.framework.finding import Finding, fingerprint
from pipelines.parsers.kubernetes_objects import is_other_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.framework.analyzer import Options
    from pipelines.lake.session import Session

#: A line moves whenever something is written above it; what is known must stay known.
_LINE: Final = re.compile(r" \(line \d+ of the document\)")

UNREADABLE: Final = Code(
    "ML3001",
    "Object that cannot be read",
    "error",
    "A document of Kubernetes objects that is no valid YAML or JSON, or that no cluster would take.",
)


def run(session: Session, options: Options) -> Iterator[Finding]:
    """Every rejected document, whatever its namespace: that is among what could not be read."""
    del options
    for row in session.query("unreadable_objects").to_pylist():
        reason = row["reason"]
        if is_other_document(reason):
            continue
        subject = source_text(row["source"])
        yield Finding(
            analyzer="unreadable_object",
            code=UNREADABLE.code,
            severity=UNREADABLE.severity,
            subject=subject,
            message=reason,
            fingerprint=fingerprint(UNREADABLE.code, subject, _LINE.sub("", reason)),
            evidence={"source": row["source"], "source_offset": row["source_offset"]},
            side="configuration",
            next_step="Correct the document: what it defines counts as absent.",
        )


ANALYZER: Final = Analyzer(
    name="unreadable_object",
    family="diagnosis",
    inputs=(Input(("rejects", "mesh_objects"), reason="Ingest Kubernetes objects, or name their files."),),
    codes=(UNREADABLE,),
    run=run,
    documentation=__doc__ or "",
)
