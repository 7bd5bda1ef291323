"""Injector webhooks that take the same pods, or call a control plane that does not exist.

**What.** Two of Istio's injector webhooks select the same pods (all combinations of injection labels and revisions are
tried), or a webhook's Service does not exist.

**Why it matters.** Pods are injected twice, or every pod creation fails or goes without a sidecar.

**Evidence.** The webhooks and the labels; the Service.

**Fix.** Remove the webhook of the revision that is gone, or `istioctl tag set`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import INJECT_KEY, INJECTION_LABEL, REVISION_LABEL, istio_code
from analyzers.configuration.report import finding
from analyzers.mesh.objects import at, mapping, mappings, text, texts
from analyzers.mesh.selectors import selects

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import Json, MeshObject

INVALID: Final = istio_code(
    139, "Invalid injector webhook", "error", "Injector webhooks overlap, or call a Service that does not exist."
)


@dataclass(frozen=True, slots=True)
class _Webhook:
    item: MeshObject
    position: int
    value: Mapping[str, Json]

    @property
    def name(self) -> str:
        return f"{self.item.name}/{text(self.value.get('name')) or ''}"

    def takes(self, namespace: Mapping[str, str], pod: Mapping[str, str]) -> bool:
        of_namespace = selects(self.value.get("namespaceSelector"), namespace)
        return of_namespace and selects(self.value.get("objectSelector"), pod)


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every injector webhook against the others of its cluster and against the Services."""
    for cluster in mesh.clusters:
        items = mesh.of_kind("MutatingWebhookConfiguration", cluster=cluster)
        relevant = [item for item in items if _revisions(item) or _is_istio(item)]
        webhooks = [
            _Webhook(item, position, value)
            for item in relevant
            for position, value in mappings(item.document.get("webhooks"))
        ]
        yield from _overlaps(webhooks, sorted({revision for item in relevant for revision in _revisions(item)}))
        if rules.istio or mesh.of_kind("Service", cluster=cluster):
            yield from _services(mesh, webhooks)


def _is_istio(item: MeshObject) -> bool:
    return any(
        (text(hook.get("name")) or "").endswith("istio.io") for _, hook in mappings(item.document.get("webhooks"))
    )


def _revisions(item: MeshObject) -> set[str]:
    """The revisions that a configuration is for: its label, and what its selectors name."""
    found = {item.labels[REVISION_LABEL]} if REVISION_LABEL in item.labels else set()
    for _, webhook in mappings(item.document.get("webhooks")):
        for part in ("namespaceSelector", "objectSelector"):
            selector = mapping(webhook.get(part))
            exact = text(at(selector, "matchLabels", REVISION_LABEL))
            found |= {exact} if exact is not None else set()
            for _, expression in mappings(selector.get("matchExpressions")):
                found |= set(texts(expression.get("values"))) if expression.get("key") == REVISION_LABEL else set()
    return found


def _overlaps(webhooks: list[_Webhook], revisions: list[str]) -> Iterator[Finding]:
    """One finding for each set of other webhooks that a webhook overlaps with."""
    namespaces = _labels(INJECTION_LABEL, ("enabled", "disabled"), revisions)
    pods = _labels(INJECT_KEY, ("true", "false"), revisions)
    told: set[tuple[str, tuple[str, ...]]] = set()
    for namespace in namespaces:
        for pod in pods:
            taking = {webhook.name: webhook for webhook in webhooks if webhook.takes(namespace, pod)}
            for name, webhook in taking.items():
                others = tuple(sorted(set(taking) - {name}))
                if others and (name, others) not in told:
                    told.add((name, others))
                    where = f"webhooks[{webhook.position}]"
                    message = f"{name} takes the same pods as {', '.join(others)}: they would be injected twice"
                    yield finding(INVALID, webhook.item, message, path=where, identity=others)


def _labels(key: str, values: tuple[str, str], revisions: list[str]) -> list[dict[str, str]]:
    plain: list[dict[str, str]] = [{}, *({key: value} for value in values)]
    return plain + [{**labels, REVISION_LABEL: revision} for revision in revisions for labels in plain]


def _services(mesh: Mesh, webhooks: list[_Webhook]) -> Iterator[Finding]:
    for webhook in webhooks:
        service = at(webhook.value, "clientConfig", "service")
        if service is None:
            continue
        namespace, name = text(at(service, "namespace")) or "", text(at(service, "name")) or ""
        if mesh.get("Service", namespace, name, cluster=webhook.item.cluster) is None:
            message = f"{webhook.name} calls Service {namespace}/{name}, which does not exist"
            path = f"webhooks[{webhook.position}]/clientConfig/service"
            yield finding(INVALID, webhook.item, message, path=path)


ANALYZER: Final = configuration_analyzer(
    "overlapping_webhooks",
    kinds=("MutatingWebhookConfiguration",),
    codes=(INVALID,),
    check=check,
    documentation=__doc__ or "",
)
