"""Subsets that select every pod of their host.

**What.** A subset without labels and without a traffic policy of its own.

**Why it matters.** It is the same as the host itself: weights between such subsets split nothing. One with a traffic
policy is a way to give a host several settings, and is not reported.

**Evidence.** The subset.

**Fix.** Labels, or route to the host without a subset.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.kiali_codes import kiali_code
from analyzers.configuration.report import finding
from analyzers.mesh.destination_rules import subsets_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh

NO_LABELS: Final = kiali_code("KIA0209", "Subset without labels", "warning", "A subset selects every pod of its host.")


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every subset."""
    del rules
    for item in mesh.of_kind("DestinationRule"):
        for subset in subsets_of(item):
            if not subset.labels and not subset.policy:
                message = f"subset {subset.name} has no labels: it selects every pod of {item.spec.get('host')}"
                yield finding(NO_LABELS, item, message, path=subset.path)


ANALYZER: Final = configuration_analyzer(
    "subset_without_labels", kinds=("DestinationRule",), codes=(NO_LABELS,), check=check, documentation=__doc__ or ""
)
