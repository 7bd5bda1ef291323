"""WorkloadGroups that machines cannot join as meant.

**What.** A template whose service account does not exist; two groups of a namespace with the same labels.

**Why it matters.** A machine without an account gets no certificate. Groups with the same labels cannot be told apart
by selectors.

**Evidence.** The account, or the other group. Without any ServiceAccount in the inventory accounts are not judged.

**Fix.** Create the account; other labels.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import full_name, selector_text
from analyzers.configuration.kiali_codes import kiali_code
from analyzers.configuration.report import finding
from analyzers.mesh.objects import at, strings, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

NO_ACCOUNT: Final = kiali_code("KIA1701", "Account of a WorkloadGroup missing", "warning", "It does not exist.")
SAME_LABELS: Final = kiali_code("KIA1702", "WorkloadGroups alike", "warning", "Two groups have the same labels.")


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every WorkloadGroup."""
    del rules
    for cluster in mesh.clusters:
        accounts = {(item.namespace, item.name) for item in mesh.of_kind("ServiceAccount", cluster=cluster)}
        alike: defaultdict[tuple[str, str], list[MeshObject]] = defaultdict(list)
        for item in mesh.of_kind("WorkloadGroup", cluster=cluster):
            account = text(at(item.spec, "template", "serviceAccount"))
            if accounts and account and (item.namespace, account) not in accounts:
                message = f"ServiceAccount {item.namespace}/{account} does not exist"
                yield finding(NO_ACCOUNT, item, message, path="spec/template/serviceAccount")
            labels = strings(at(item.spec, "metadata", "labels"))
            if labels:
                alike[item.namespace, selector_text(labels)].append(item)
        for (_, labels_text), items in alike.items():
            for item in items if len(items) > 1 else ():
                others = ", ".join(full_name(other) for other in items if other is not item)
                yield finding(SAME_LABELS, item, f"{others} has {labels_text}, too", path="spec/metadata/labels")


ANALYZER: Final = configuration_analyzer(
    "workload_groups",
    kinds=("WorkloadGroup",),
    codes=(NO_ACCOUNT, SAME_LABELS),
    check=check,
    documentation=__doc__ or "",
)
