"""Client TLS of a mesh or namespace that its servers do not take, and the other way round.

**What.** DestinationRules for all services (`*.local`) or a namespace's (`*.shop.svc.cluster.local`) against the
PeerAuthentications of the mesh and the namespaces: clients that send plain text where servers take mTLS alone; clients
that send mTLS where servers take none; without auto-mTLS, servers that take mTLS alone and no rule that makes clients
send it.

**Why it matters.** Every call that the two decide on fails: 503 (UF), connection reset.

**Evidence.** Both objects. With auto-mTLS (the default) clients send mTLS by themselves: a PeerAuthentication needs no
rule. Client mTLS needs no PeerAuthentication either, since servers take both by default; where auto-mTLS is off that
is told as information, for plain text is then taken, too.

**Fix.** Remove the TLS setting from the DestinationRule and let auto-mTLS choose, or make both sides say the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import full_name
from analyzers.configuration.kiali_codes import kiali_code
from analyzers.configuration.report import finding
from analyzers.configuration.wide_rules import WideRule, wide_rules
from analyzers.mesh.mtls import PeerAuthentications, peer_authentications_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

MESH_UNSTATED: Final = kiali_code(
    "KIA0205", "Mesh takes plain text, too", "info", "Clients of the mesh send mTLS, and no policy asks for it."
)
NAMESPACE_UNSTATED: Final = kiali_code(
    "KIA0206", "Namespace takes plain text, too", "info", "Clients of a namespace send mTLS, and no policy asks for it."
)
NAMESPACE_PLAIN: Final = kiali_code(
    "KIA0207", "Plain text to a strict namespace", "error", "Clients send plain text to servers that take mTLS alone."
)
MESH_PLAIN: Final = kiali_code(
    "KIA0208", "Plain text to a strict mesh", "error", "Clients send plain text, and the mesh takes mTLS alone."
)
MESH_RULE_MISSING: Final = kiali_code(
    "KIA0401", "Strict mesh without client mTLS", "error", "Auto-mTLS is off, and no rule makes clients send mTLS."
)
NAMESPACE_RULE_MISSING: Final = kiali_code(
    "KIA0501", "Strict namespace without client mTLS", "error", "Auto-mTLS is off, and no rule makes clients send mTLS."
)
NAMESPACE_DISABLED: Final = kiali_code(
    "KIA0505", "mTLS to a namespace that disables it", "error", "Clients send mTLS to servers that take plain text."
)
MESH_DISABLED: Final = kiali_code(
    "KIA0506", "mTLS to a mesh that disables it", "error", "Clients send mTLS, and the mesh takes plain text alone."
)

_MODE: Final = "spec/trafficPolicy/tls/mode"


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every wide rule against the policies, and every wide policy against the rules."""
    del rules
    for cluster in mesh.clusters:
        wide = list(wide_rules(mesh, cluster))
        policies = peer_authentications_of(mesh, cluster)
        is_automatic = mesh.settings(cluster).enable_auto_mtls
        for rule in wide:
            if rule.mode == "DISABLE":
                yield from _plain(rule, policies)
            elif rule.sends_mtls and not is_automatic:
                yield from _unstated(rule, policies)
        for namespace, item in sorted(policies.by_namespace.items()):
            yield from _policy(namespace, item, policies, wide, is_automatic=is_automatic)


def _plain(rule: WideRule, policies: PeerAuthentications) -> Iterator[Finding]:
    asked = policies.root if rule.namespace is None else rule.namespace
    level = policies.namespace_mode(asked)
    if level.mode == "STRICT":
        code = NAMESPACE_PLAIN if rule.namespace else MESH_PLAIN
        by = f" by {full_name(level.item)}" if level.item else ""
        where = f"namespace {rule.namespace}" if rule.namespace else "the mesh"
        yield finding(code, rule.item, f"clients send plain text to {where}, which takes mTLS alone{by}", path=_MODE)
    elif rule.namespace is None:
        strict = [name for name in sorted(policies.by_namespace) if policies.namespace_mode(name).mode == "STRICT"]
        if strict:
            message = f"clients send plain text, and {', '.join(strict)} take mTLS alone"
            yield finding(NAMESPACE_PLAIN, rule.item, message, path=_MODE, evidence={"namespaces": strict})


def _unstated(rule: WideRule, policies: PeerAuthentications) -> Iterator[Finding]:
    levels = {policies.root, rule.namespace or policies.root}
    if not levels & set(policies.by_namespace):
        code = NAMESPACE_UNSTATED if rule.namespace else MESH_UNSTATED
        yield finding(code, rule.item, "no PeerAuthentication asks for mTLS: plain text is taken, too", path=_MODE)


def _policy(
    namespace: str, item: MeshObject, policies: PeerAuthentications, wide: list[WideRule], *, is_automatic: bool
) -> Iterator[Finding]:
    is_mesh = namespace == policies.root
    mode = policies.namespace_mode(namespace)
    if mode.item is not item:
        return  # says nothing of its own
    own = [rule for rule in wide if rule.namespace == (None if is_mesh else namespace)]
    deciding = own or [rule for rule in wide if rule.namespace is None]
    sending = [rule for rule in deciding if rule.sends_mtls]
    where = "the mesh" if is_mesh else f"namespace {namespace}"
    if mode.mode == "STRICT" and not is_automatic and not sending:
        code = MESH_RULE_MISSING if is_mesh else NAMESPACE_RULE_MISSING
        message = f"{where} takes mTLS alone, auto-mTLS is off, and no DestinationRule makes clients send it"
        yield finding(code, item, message, path="spec/mtls")
    if mode.mode == "DISABLE" and sending:
        code = MESH_DISABLED if is_mesh else NAMESPACE_DISABLED
        names = [full_name(rule.item) for rule in sending]
        message = f"{where} takes plain text alone, and clients send mTLS by {', '.join(names)}"
        yield finding(code, item, message, path="spec/mtls", evidence={"destination_rules": names})


ANALYZER: Final = configuration_analyzer(
    "client_tls_mismatch",
    kinds=("DestinationRule", "PeerAuthentication"),
    codes=(
        MESH_UNSTATED,
        NAMESPACE_UNSTATED,
        NAMESPACE_PLAIN,
        MESH_PLAIN,
        MESH_RULE_MISSING,
        NAMESPACE_RULE_MISSING,
        NAMESPACE_DISABLED,
        MESH_DISABLED,
    ),
    check=check,
    documentation=__doc__ or "",
)
