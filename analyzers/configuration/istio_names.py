"""Istio's analyzers by the names of their source (istio/istio `pkg/config/analysis/analyzers`), and ours for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from analyzers.configuration import (
    address_required,
    alpha_annotation,
    application_uid,
    claim_route,
    conflicting_gateways,
    conflicting_route_hosts,
    conflicting_service_entries,
    conflicting_services,
    deprecated_field,
    destination_port,
    envoy_filter_order,
    external_control_plane,
    gateway_credential,
    gateway_port,
    image_auto,
    inconsistent_service,
    ineffective_selector,
    invalid_object,
    negative_condition,
    outdated_gateway_api,
    overlapping_webhooks,
    policy_without_workload,
    port_name,
    proxy_image,
    route_gateway,
    shared_gateway_certificate,
    sidecar_injection,
    sidecar_selector,
    subset_without_pods,
    telemetry_selector,
    unknown_annotation,
    unknown_registry,
    unknown_subset,
    unrestricted_jwks,
    unverified_certificate,
)
from analyzers.configuration.validation.kinds import VALIDATORS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.analyzer import Check
    from analyzers.mesh.kinds import KindKey


@dataclass(frozen=True, slots=True)
class IstioAnalyzer:
    """One of Istio's analyzers: the check that does its work, and the kinds that it reads."""

    check: Check
    kinds: tuple[KindKey, ...]


_ANNOTATED: Final = ("Namespace", "Service", "Pod", "Deployment")
_WEBHOOKS: Final = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")


def _validators() -> Iterator[tuple[str, IstioAnalyzer]]:
    """Istio has one for each of its kinds, named by its metadata and, in its source, by how it is made."""
    yield "schema.ValidationAnalyzer", IstioAnalyzer(invalid_object.check, tuple(VALIDATORS))
    for kind in VALIDATORS:
        analyzer = IstioAnalyzer(invalid_object.check_of(kind), (kind,))
        yield f"schema.ValidationAnalyzer.{kind}", analyzer
        yield f"schemaValidation.CollectionValidationAnalyzer(collections.{kind})", analyzer


#: Istio's name -> ours. MeshConfig and MeshNetworks are the mesh's settings, not kinds of object.
ISTIO_ANALYZERS: Final[dict[str, IstioAnalyzer]] = {
    "annotations.K8sAnalyzer": IstioAnalyzer(unknown_annotation.check, _ANNOTATED),
    "authn.BlockedCIDRsAnalyzer": IstioAnalyzer(unrestricted_jwks.check, ("RequestAuthentication", "Deployment")),
    "authz.AuthorizationPoliciesAnalyzer": IstioAnalyzer(
        policy_without_workload.check, ("AuthorizationPolicy", "Namespace", "Pod")
    ),
    "conditions.ConditionAnalyzer": IstioAnalyzer(negative_condition.check, negative_condition.KINDS),
    "deployment.ApplicationUIDAnalyzer": IstioAnalyzer(application_uid.check, application_uid.KINDS),
    "deployment.ServiceAssociationAnalyzer": IstioAnalyzer(
        conflicting_services.check, ("Service", "Deployment", "Namespace")
    ),
    "deprecation.FieldAnalyzer": IstioAnalyzer(
        deprecated_field.fields, ("VirtualService", "Sidecar", "CustomResourceDefinition")
    ),
    "destinationrule.CaCertificateAnalyzer": IstioAnalyzer(unverified_certificate.check, ("DestinationRule",)),
    "destinationrule.PodNotSelectedAnalyzer": IstioAnalyzer(
        subset_without_pods.check, ("DestinationRule", "Pod", "Service", "ServiceEntry", "Node")
    ),
    "envoyfilter.EnvoyPatchAnalyzer": IstioAnalyzer(envoy_filter_order.check, ("EnvoyFilter",)),
    "externalcontrolplane.ExternalControlPlaneAnalyzer": IstioAnalyzer(external_control_plane.check, _WEBHOOKS),
    "gateway.CertificateAnalyzer": IstioAnalyzer(shared_gateway_certificate.check, ("Gateway",)),
    "gateway.ConflictingGatewayAnalyzer": IstioAnalyzer(conflicting_gateways.check, ("Gateway", "Pod")),
    "gateway.IngressGatewayPortAnalyzer": IstioAnalyzer(gateway_port.check, ("Gateway", "Pod", "Service")),
    "gateway.SecretAnalyzer": IstioAnalyzer(gateway_credential.check, ("Gateway", "Pod", "Secret")),
    "injection.Analyzer": IstioAnalyzer(sidecar_injection.check, ("Namespace", "Pod", "ConfigMap")),
    "injection.ImageAnalyzer": IstioAnalyzer(proxy_image.check, ("Namespace", "Pod", "ConfigMap", "ProxyConfig")),
    "injection.ImageAutoAnalyzer": IstioAnalyzer(
        image_auto.check, ("Namespace", "Pod", "Deployment", "MutatingWebhookConfiguration")
    ),
    "k8sgateway.CRDVersionAnalyzer": IstioAnalyzer(outdated_gateway_api.check, ("CustomResourceDefinition",)),
    "k8sgateway.SelectorAnalyzer": IstioAnalyzer(ineffective_selector.check, (*ineffective_selector.KINDS, "Pod")),
    "maturity.AlphaAnalyzer": IstioAnalyzer(alpha_annotation.check, _ANNOTATED),
    "multicluster.MeshNetworksAnalyzer": IstioAnalyzer(unknown_registry.check, ("Secret",)),
    "multicluster.ServiceAnalyzer": IstioAnalyzer(inconsistent_service.check, ("Service",)),
    "service.PortNameAnalyzer": IstioAnalyzer(port_name.check, ("Service",)),
    "serviceentry.ConflictingServiceEntryProtocolAnalyzer": IstioAnalyzer(
        conflicting_service_entries.check, ("ServiceEntry",)
    ),
    "serviceentry.ProtocolAddressesAnalyzer": IstioAnalyzer(address_required.check, ("ServiceEntry",)),
    "sidecar.SelectorAnalyzer": IstioAnalyzer(sidecar_selector.check, ("Sidecar", "Pod", "Namespace")),
    "telemetry.DefaultSelectorAnalyzer": IstioAnalyzer(telemetry_selector.whole_namespaces, ("Telemetry",)),
    "telemetry.LightstepAnalyzer": IstioAnalyzer(deprecated_field.lightstep, ("Telemetry",)),
    "telemetry.ProviderAnalyzer": IstioAnalyzer(telemetry_selector.providers, ("Telemetry",)),
    "telemetry.SelectorAnalyzer": IstioAnalyzer(telemetry_selector.selected, ("Telemetry", "Pod")),
    "virtualservice.ConflictingMeshGatewayHostsAnalyzer": IstioAnalyzer(
        conflicting_route_hosts.check, ("VirtualService",)
    ),
    "virtualservice.DestinationHostAnalyzer": IstioAnalyzer(
        destination_port.check, ("ServiceEntry", "VirtualService", "Service")
    ),
    "virtualservice.DestinationRuleAnalyzer": IstioAnalyzer(
        unknown_subset.check, ("VirtualService", "DestinationRule")
    ),
    "virtualservice.GatewayAnalyzer": IstioAnalyzer(
        route_gateway.check, ("Gateway", "KubernetesGateway", "VirtualService")
    ),
    "virtualservice.JWTClaimRouteAnalyzer": IstioAnalyzer(
        claim_route.check, ("VirtualService", "RequestAuthentication", "Gateway", "Pod")
    ),
    **dict(_validators()),
    "webhook.Analyzer": IstioAnalyzer(overlapping_webhooks.check, ("MutatingWebhookConfiguration", "Service")),
}
