"""A report as OpenMetrics (https://prometheus.io/docs/specs/om/open_metrics_spec/), for the textfile collector."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from analyzers.framework.finding import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analyzers.framework.analyzer import Report
    from analyzers.framework.finding import Finding


def render_openmetrics(report: Report) -> str:
    """Active findings by severity, and by code and namespace; suppressed ones; analyzers by what became of them."""
    counts = report.counts()
    by_place = Counter((item.severity, item.code, item.analyzer, _namespace(item)) for item in report.active)
    lines = [
        *_family("meshlens_findings", "Active findings by severity."),
        *(_sample("meshlens_findings", {"severity": severity}, counts[severity]) for severity in SEVERITIES),
        *_family("meshlens_findings_by_code", "Active findings by code and namespace of the object."),
        *(
            _sample(
                "meshlens_findings_by_code",
                {"severity": severity, "code": code, "analyzer": analyzer, "namespace": namespace},
                number,
            )
            for (severity, code, analyzer, namespace), number in sorted(by_place.items())
        ),
        *_family("meshlens_findings_suppressed", "Findings that an annotation, a file or a baseline silences."),
        _sample("meshlens_findings_suppressed", {}, counts["suppressed"]),
        *_family("meshlens_analyzer_ran", "1 where the analyzer ran, 0 where it was skipped for want of input."),
        *(_sample("meshlens_analyzer_ran", {"analyzer": name}, 1) for name in sorted(report.ran)),
        *(
            _sample("meshlens_analyzer_ran", {"analyzer": skip.analyzer}, 0)
            for skip in report.skipped
            if not skip.partial
        ),
        "# EOF",
    ]
    return "\n".join(lines)


def _family(name: str, purpose: str) -> tuple[str, str]:
    return f"# TYPE {name} gauge", f"# HELP {name} {purpose}"


def _sample(name: str, labels: Mapping[str, str], value: int) -> str:
    told = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
    return f"{name}{{{told}}} {value}" if told else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _namespace(finding: Finding) -> str:
    parts = (finding.object or "").split("/")
    return parts[1] if len(parts) > 1 else ""
