-- purpose: What a failed call's decisive log line says, as a cause. The matching rule with the lowest number wins.
--          `requires`: marks that must all be there: response flags, and `4xx`, `5xx`, `tcp`, `grpc` (a status other
--          than OK), `unanswered` (the callee's proxy saw its caller leave) and `BlackHoleCluster`.
--          `details`: a regular expression over RESPONSE_CODE_DETAILS and CONNECTION_TERMINATION_DETAILS.
--          `transport`: one over UPSTREAM_TRANSPORT_FAILURE_REASON (and the details, which repeat it).
--          `decided_by`: whose line decides, `client` (the caller's proxy) or `server` (the callee's); null: either.
--          `side`: who has to act. `proxy` is the deciding proxy, `callee` what lies behind it.
--          `scope`: `destination` where all callers of a host share the fault, `edge` where each caller has its own.
--          Sources: Envoy's response flags and response code details; BoringSSL's error texts; Istio's block_all route.
-- kind: table
-- reads: none
-- grain: one rule
-- params: none
with rules (rule, requires, details, transport, decided_by, cause, side, scope) as (
    values
    -- What the mesh's configuration refuses.
    (10, 'BlackHoleCluster', null, null, null, 'blocked_egress', 'configuration', 'edge'),
    (20, '', 'rbac_access_denied_matched_policy\[none\]', null, null, 'rbac_no_allow_match', 'configuration', 'edge'),
    (21, '', 'rbac_access_denied', null, null, 'rbac_denied', 'configuration', 'edge'),
    (22, '', 'jwt_authn_access_denied', null, null, 'jwt_rejected', 'caller_application', 'edge'),
    (23, '', 'ext_authz_error', null, null, 'ext_authz_unreachable', 'proxy', 'destination'),
    (24, '', 'ext_authz_denied', null, null, 'ext_authz_denied', 'configuration', 'edge'),
    (25, 'UAEX', null, null, null, 'ext_authz_denied', 'configuration', 'edge'),
    (26, '', 'fault_filter_abort', null, null, 'fault_abort', 'configuration', 'destination'),
    (27, 'FI', null, null, null, 'fault_abort', 'configuration', 'destination'),
    (28, 'RLSE', null, null, null, 'rate_limit_unreachable', 'proxy', 'destination'),
    (29, '', 'rate_limited', null, null, 'rate_limited', 'configuration', 'edge'),
    (30, 'RL', null, null, null, 'rate_limited', 'configuration', 'edge'),
    -- Routing.
    (40, '', 'cluster_not_found', null, null, 'cluster_not_found', 'configuration', 'destination'),
    (41, 'NC', null, null, null, 'cluster_not_found', 'configuration', 'destination'),
    (42, '', 'filter_chain_not_found', null, 'server', 'plaintext_to_strict_mtls', 'configuration', 'edge'),
    (43, '', 'filter_chain_not_found', null, null, 'route_not_found', 'configuration', 'edge'),
    (44, 'NR tcp', null, null, 'server', 'plaintext_to_strict_mtls', 'configuration', 'edge'),
    (45, '', 'route_not_found|route_configuration_not_found', null, null, 'route_not_found', 'configuration', 'edge'),
    (46, 'NR', null, null, null, 'route_not_found', 'configuration', 'edge'),
    (47, '4xx', '^direct_response', null, null, 'direct_response', 'configuration', 'destination'),
    (48, '5xx', '^direct_response', null, null, 'direct_response', 'configuration', 'destination'),
    -- Time limits of the deciding proxy.
    (
        59, '', 'request_overall_timeout|request_header_timeout|downstream_header_timeout', null, null,
        'request_timeout', 'caller_application', 'edge'
    ),
    (60, '', 'upstream_per_try(_idle)?_timeout', null, null, 'per_try_timeout', 'configuration', 'destination'),
    (61, '', '^response_timeout', null, null, 'route_timeout', 'configuration', 'destination'),
    (62, 'UMSDR', null, null, null, 'max_duration', 'configuration', 'destination'),
    (63, 'DT', null, null, null, 'max_duration', 'configuration', 'destination'),
    (
        64, '', 'max_stream_duration_reached|duration_timeout|max_connection_duration_reached', null, null,
        'max_duration', 'configuration', 'destination'
    ),
    (65, 'SI', null, null, null, 'stream_idle_timeout', 'configuration', 'destination'),
    (
        66, '', 'stream_idle_timeout|tcp_session_idle_timeout|on_idle_timeout', null, null,
        'stream_idle_timeout', 'configuration', 'destination'
    ),
    (68, 'UT', null, null, null, 'route_timeout', 'configuration', 'destination'),
    -- Connections that could not be made.
    (80, 'UF', null, '(?i)certificate[_ ](has[_ ])?expired', null, 'certificate_expired', 'configuration', 'destination'),
    (
        81, 'UF', null, '(?i)CERTIFICATE_VERIFY_FAILED|unknown[_ ]ca|bad[_ ]certificate|certificate[_ ]unknown'
        || '|certificate[_ ]required|did not return a certificate|SAN matcher|verify[_ ]cert|revoked', null,
        'certificate_mismatch', 'configuration', 'destination'
    ),
    (
        82, 'UF', null, '(?i)WRONG_VERSION_NUMBER|HTTP_REQUEST|UNEXPECTED_MESSAGE', null,
        'tls_to_plaintext', 'configuration', 'destination'
    ),
    (83, 'UF', null, '(?i)refused|delayed_connect_error:_?\s*111', null, 'connection_refused', 'callee', 'destination'),
    (
        84, 'UF', null, '(?i)unreachable|no[_ ]route[_ ]to[_ ]host|delayed_connect_error:_?\s*(101|113)', null,
        'network_unreachable', 'network', 'destination'
    ),
    (
        85, 'UF', null, '(?i)time(d[_ ])?out|delayed_connect_error:_?\s*110', null,
        'connection_timeout', 'network', 'destination'
    ),
    (86, 'DF', null, null, null, 'dns_failure', 'network', 'destination'),
    (87, '', '(?i)dns_resolution_fail', null, null, 'dns_failure', 'network', 'destination'),
    (88, 'UO', null, null, null, 'circuit_breaker', 'configuration', 'destination'),
    (89, '', '\{overflow', null, null, 'circuit_breaker', 'configuration', 'destination'),
    (90, 'UH', null, null, null, 'no_healthy_endpoint', 'callee', 'destination'),
    (91, '', 'no_healthy_upstream', null, null, 'no_healthy_endpoint', 'callee', 'destination'),
    (92, 'UF', null, null, null, 'connection_failed', 'network', 'destination'),
    -- Connections and streams that broke.
    (100, 'UPE', null, null, null, 'upstream_protocol_error', 'callee', 'destination'),
    (
        101, '', 'upstream_reset_(before|after)_response_started\{protocol_error', null, null,
        'upstream_protocol_error', 'callee', 'destination'
    ),
    (102, 'UC', null, null, null, 'upstream_closed', 'callee', 'destination'),
    (103, '', '\{connection_termination', null, null, 'upstream_closed', 'callee', 'destination'),
    (104, 'UR', null, null, null, 'upstream_reset', 'callee', 'destination'),
    (105, '', '\{remote_(refused_stream_)?reset', null, null, 'upstream_reset', 'callee', 'destination'),
    (106, 'LR', null, null, null, 'local_reset', 'proxy', 'destination'),
    (107, '', '\{local_(refused_stream_)?reset', null, null, 'local_reset', 'proxy', 'destination'),
    -- What the caller did.
    (120, 'DPE', null, null, null, 'downstream_protocol_error', 'caller_application', 'edge'),
    (121, 'IH', null, null, null, 'downstream_protocol_error', 'caller_application', 'edge'),
    (122, 'DC', null, null, null, 'client_cancel', 'client', 'edge'),
    (123, 'DR', null, null, null, 'client_cancel', 'client', 'edge'),
    (
        124, '', 'downstream_remote_disconnect|http2\.remote_re(set|fuse)', null, null,
        'client_cancel', 'client', 'edge'
    ),
    (
        125, '', '(^|\()http[12]\.|low_version|missing_host_header|missing_path|invalid_path|absolute_path_rejected'
        || '|path_normalization_failed|upgrade_failed|request_headers_failed|connection_protocol_violation', null, null,
        'downstream_protocol_error', 'caller_application', 'edge'
    ),
    (126, '', 'payload_too_large', null, null, 'payload_too_large', 'configuration', 'edge'),
    -- State of the deciding proxy.
    (140, 'OM', null, null, null, 'overload', 'proxy', 'destination'),
    (141, 'DO', null, null, null, 'overload', 'proxy', 'destination'),
    (142, 'UDO', null, null, null, 'overload', 'proxy', 'destination'),
    (143, '', '^(unconditional_)?(drop_)?overload', null, null, 'overload', 'proxy', 'destination'),
    (144, 'LH', null, null, null, 'health_check_failed', 'callee', 'destination'),
    (145, 'NFCF', null, null, null, 'filter_config_missing', 'configuration', 'destination'),
    (
        146, '', 'http2_ping_timeout|transport_socket_timeout|tcp_initializ|host_health_failure', null, null,
        'connection_failed', 'network', 'destination'
    ),
    (
        147, '', 'deferred_close_on_drained|triggered_delayed_close|close_for_connect|closing_upstream_tcp', null, null,
        'proxy_drain', 'proxy', 'destination'
    ),
    -- What the application answered, as far as any proxy can tell.
    -- Without details, an answer that the callee never gave is the caller's proxy's own, for a reason unknown.
    (159, '5xx unanswered', '^\s*$', null, 'client', null, 'unknown', 'edge'),
    (160, 'URX tcp', null, null, null, 'connection_failed', 'network', 'destination'),
    (161, 'URX', null, null, null, 'retries_exhausted', 'callee_application', 'destination'),
    (162, '5xx', '^(via_upstream)?\s*$', null, null, 'application_error', 'callee_application', 'destination'),
    (163, 'grpc', '^(via_upstream)?\s*$', null, null, 'application_error', 'callee_application', 'destination'),
    (170, 'DI', null, null, null, 'fault_delay', 'configuration', 'destination')
)

select
    rule,
    case when requires = '' then [] else string_split(requires, ' ') end as requires,
    details,
    transport,
    decided_by,
    cause,
    side,
    scope
from rules
