"""Gateways whose certificate Secret is missing, or holds no usable certificate.

**What.** A server's `credentialName` names no Secret in the namespace of the gateway's pods, or the Secret has no
certificate that can be read and is in force.

**Why it matters.** The listener is not programmed, or clients refuse it.

**Evidence.** The Secret's name and namespace, and when its certificate ends. Key bytes are never read or kept.

**Fix.** Make the Secret beside the gateway's pods (`kubectl -n NS create secret tls NAME --cert=... --key=...`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.certificates import certificate_problem
from analyzers.configuration.common import istio_code, qualified_name, selector_text
from analyzers.configuration.report import finding
from analyzers.framework.analyzer import Code
from analyzers.mesh.objects import at, mappings, strings, text
from analyzers.mesh.selectors import LabelIndex

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh

NO_WORKLOAD: Final = Code(
    "ML1904", "Gateway credential without a workload", "error", "A Gateway's selector picks no pod.", ("IST0101",)
)
NO_SECRET: Final = Code(
    "ML1905",
    "Gateway credential not found",
    "error",
    "The Secret that a server names is not in the namespace of the gateway's pods.",
    ("IST0101",),
)
INVALID: Final = istio_code(
    161, "Invalid gateway credential", "error", "The Secret holds no certificate that is readable and in force."
)


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every server with a credential. Without any Secret in sight nothing is said of missing ones."""
    for cluster in mesh.clusters:
        pods = LabelIndex(mesh.of_kind("Pod", cluster=cluster), lambda pod: pod.labels)
        knows_secrets = rules.istio or bool(mesh.of_kind("Secret", cluster=cluster))
        for item in mesh.of_kind("Gateway", cluster=cluster):
            wanted = strings(item.spec.get("selector"))
            selected = pods.carrying(wanted)
            # Istio's check takes a pod without a namespace (of a file that leaves it out) for none.
            if not selected or (rules.istio and not selected[0].namespace):
                if rules.istio:  # the check of ports says it
                    yield finding(NO_WORKLOAD, item, f"selector {selector_text(wanted)} picks no pod")
                continue
            for position, server in mappings(item.spec.get("servers")):
                name = text(at(server, "tls", "credentialName"))
                if not name or not knows_secrets:
                    continue
                path = f"spec/servers[{position}]/tls/credentialName"
                namespace, short = qualified_name(selected[0].namespace, name)
                secret = mesh.get("Secret", namespace, short, cluster=cluster)
                if secret is None:
                    message = f"Secret {namespace}/{short} does not exist beside the gateway's pods"
                    yield finding(NO_SECRET, item, message, path=path)
                    continue
                problem = certificate_problem(secret, rules)
                if problem is not None:
                    yield finding(INVALID, item, f"Secret {namespace}/{short}: {problem}", path=path)


ANALYZER: Final = configuration_analyzer(
    "gateway_credential",
    kinds=("Gateway",),
    codes=(NO_WORKLOAD, NO_SECRET, INVALID),
    check=check,
    documentation=__doc__ or "",
)
