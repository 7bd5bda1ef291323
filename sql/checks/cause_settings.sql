-- purpose: Which setting of which kind of object makes which cause. `only_if_new`: the setting is too common to be
--          blamed unless it came into force just before the failures. `applies_to`: the host called, or the policies
--          of the callee's or the caller's workload.
-- kind: table
-- reads: none
-- grain: one cause and setting
-- params: none
with settings (cause, kind, setting, only_if_new, applies_to) as (
    values
    ('route_timeout', 'VirtualService', 'timeout', false, 'host'),
    ('per_try_timeout', 'VirtualService', 'per_try_timeout', false, 'host'),
    ('retries_exhausted', 'VirtualService', 'retries', false, 'host'),
    ('max_duration', 'DestinationRule', 'max_connection_duration', false, 'host'),
    ('max_duration', 'VirtualService', 'any', true, 'host'),
    ('stream_idle_timeout', 'VirtualService', 'any', true, 'host'),
    ('fault_abort', 'VirtualService', 'abort', false, 'host'),
    ('fault_delay', 'VirtualService', 'delay', false, 'host'),
    ('direct_response', 'VirtualService', 'direct_response', false, 'host'),
    ('cluster_not_found', 'VirtualService', 'any', false, 'host'),
    ('route_not_found', 'VirtualService', 'any', true, 'host'),
    ('circuit_breaker', 'DestinationRule', 'connection_pool', false, 'host'),
    ('outlier_ejection', 'DestinationRule', 'outlier_detection', false, 'host'),
    ('tls_to_plaintext', 'DestinationRule', 'tls', false, 'host'),
    ('tls_to_disabled_mtls', 'DestinationRule', 'tls', false, 'host'),
    ('tls_to_disabled_mtls', 'PeerAuthentication', 'disable', false, 'callee'),
    ('certificate_mismatch', 'DestinationRule', 'tls', false, 'host'),
    ('certificate_expired', 'DestinationRule', 'tls', true, 'host'),
    ('plaintext_to_strict_mtls', 'DestinationRule', 'tls_disable', false, 'host'),
    ('plaintext_to_strict_mtls', 'PeerAuthentication', 'strict', false, 'callee'),
    ('jwt_rejected', 'RequestAuthentication', 'jwt', false, 'callee'),
    ('ext_authz_denied', 'AuthorizationPolicy', 'custom', false, 'callee'),
    ('ext_authz_unreachable', 'AuthorizationPolicy', 'custom', false, 'callee'),
    ('out_of_scope', 'Sidecar', 'egress', false, 'caller'),
    ('rbac_no_allow_match', 'AuthorizationPolicy', 'allow', false, 'callee'),
    ('blocked_egress', 'Sidecar', 'registry_only', false, 'caller'),
    ('blocked_egress', 'ConfigMap', 'registry_only', false, 'caller'),
    ('rate_limited', 'EnvoyFilter', 'patch', true, 'callee'),
    ('ext_authz_denied', 'EnvoyFilter', 'patch', true, 'callee'),
    ('ext_authz_unreachable', 'EnvoyFilter', 'patch', true, 'callee'),
    ('request_timeout', 'EnvoyFilter', 'patch', true, 'callee'),
    ('max_duration', 'EnvoyFilter', 'patch', true, 'callee'),
    ('stream_idle_timeout', 'EnvoyFilter', 'patch', true, 'callee'),
    ('payload_too_large', 'EnvoyFilter', 'patch', true, 'callee'),
    ('overload', 'EnvoyFilter', 'patch', true, 'callee'),
    ('request_timeout', 'EnvoyFilter', 'patch', true, 'caller'),
    ('rate_limited', 'EnvoyFilter', 'patch', true, 'caller'),
    ('ext_authz_denied', 'EnvoyFilter', 'patch', true, 'caller'),
    ('ext_authz_unreachable', 'EnvoyFilter', 'patch', true, 'caller'),
    ('payload_too_large', 'EnvoyFilter', 'patch', true, 'caller'),
    ('local_reset', 'EnvoyFilter', 'patch', true, 'caller'),
    ('max_duration', 'EnvoyFilter', 'patch', true, 'caller'),
    ('stream_idle_timeout', 'EnvoyFilter', 'patch', true, 'caller'),
    ('fault_abort', 'EnvoyFilter', 'patch', true, 'caller'),
    ('fault_delay', 'EnvoyFilter', 'patch', true, 'caller')
)

select * from settings
