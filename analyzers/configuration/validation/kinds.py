"""The validator of each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.validation.authentication import peer_authentication, request_authentication
from analyzers.configuration.validation.authorization_policy import authorization_policy
from analyzers.configuration.validation.destination_rule import destination_rule
from analyzers.configuration.validation.envoy_filter import envoy_filter
from analyzers.configuration.validation.gateway import gateway
from analyzers.configuration.validation.service_entry import service_entry, workload_entry, workload_group
from analyzers.configuration.validation.sidecar import sidecar
from analyzers.configuration.validation.telemetry import proxy_config, telemetry, wasm_plugin
from analyzers.configuration.validation.virtual_service import virtual_service

if TYPE_CHECKING:
    from analyzers.configuration.validation.problems import Validator
    from analyzers.mesh.kinds import KindKey

VALIDATORS: Final[dict[KindKey, Validator]] = {
    "AuthorizationPolicy": authorization_policy,
    "DestinationRule": destination_rule,
    "EnvoyFilter": envoy_filter,
    "Gateway": gateway,
    "PeerAuthentication": peer_authentication,
    "ProxyConfig": proxy_config,
    "RequestAuthentication": request_authentication,
    "ServiceEntry": service_entry,
    "Sidecar": sidecar,
    "Telemetry": telemetry,
    "VirtualService": virtual_service,
    "WasmPlugin": wasm_plugin,
    "WorkloadEntry": workload_entry,
    "WorkloadGroup": workload_group,
}
