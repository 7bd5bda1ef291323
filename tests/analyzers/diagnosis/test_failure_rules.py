"""Which line of a call decides, and what its flags and details are called."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import pytest

from analyzers.diagnosis.causes import BY_NAME
from tests.support.calls import call, empty_session, session_of

REFERENCE = Path(os.environ.get("MESH_REFERENCE_DIR", Path(__file__).parents[4] / "shared" / "reference"))

RESET = "upstream_reset_before_response_started"
REFUSED = f"{RESET}{{remote_connection_failure|delayed_connect_error:_Connection_refused}}"
DENIED = "rbac_access_denied_matched_policy[ns[a]-policy[b]-rule[0]]"
TLS = "TLS_error:|268435703:SSL routines:OPENSSL_internal:"
UNVERIFIED = f"{TLS}CERTIFICATE_VERIFY_FAILED:verify cert failed"
PASSED_ON = {"response_code_details": "via_upstream"}

#: What the caller's proxy logged alone: flags, code, details, transport failure -> cause, side.
CALLER_ONLY = [
    ("UH", 503, "no_healthy_upstream", None, "no_healthy_endpoint", "callee_proxy"),
    ("URX,UF", 503, REFUSED, "delayed_connect_error:_Connection_refused", "connection_refused", "callee_proxy"),
    ("UF,URX", 503, f"{RESET}{{connection_timeout}}", None, "connection_timeout", "network"),
    ("UF", 503, REFUSED, "delayed_connect_error:_111", "connection_refused", "callee_proxy"),
    ("UF", 503, None, "delayed_connect_error:_113", "network_unreachable", "network"),
    ("UF", 503, None, "delayed_connect_error:_No_route_to_host", "network_unreachable", "network"),
    ("UF", 503, None, None, "connection_failed", "network"),
    ("UF", 503, None, f"{TLS}WRONG_VERSION_NUMBER:TLS_error_end", "tls_to_plaintext", "configuration"),
    ("UF", 503, None, f"{UNVERIFIED}:verify SAN list:TLS_error_end", "certificate_mismatch", "configuration"),
    ("UF", 503, None, f"{UNVERIFIED}:certificate has expired:TLS_error_end", "certificate_expired", "configuration"),
    ("UF", 503, None, f"{TLS}SSLV3_ALERT_CERTIFICATE_EXPIRED", "certificate_expired", "configuration"),
    ("UF", 503, None, f"{TLS}TLSV1_ALERT_UNKNOWN_CA", "certificate_mismatch", "configuration"),
    ("UO", 503, f"{RESET}{{overflow}}", None, "circuit_breaker", "configuration"),
    ("NR", 404, "route_not_found", None, "route_not_found", "configuration"),
    ("NC", 503, "cluster_not_found", None, "cluster_not_found", "configuration"),
    ("UT", 504, "response_timeout", None, "route_timeout", "configuration"),
    ("URX,UT", 504, "upstream_per_try_timeout", None, "per_try_timeout", "configuration"),
    ("UT", 504, None, None, "route_timeout", "configuration"),
    (None, 504, "max_duration_timeout", None, "max_duration", "configuration"),
    ("UMSDR", 504, "upstream_max_stream_duration_reached", None, "max_duration", "configuration"),
    ("SI", 504, "stream_idle_timeout", None, "stream_idle_timeout", "configuration"),
    (None, 408, "request_overall_timeout", None, "request_timeout", "caller_application"),
    ("UC", 503, f"{RESET}{{connection_termination}}", None, "upstream_closed", "callee_proxy"),
    ("UR", 503, f"{RESET}{{remote_reset}}", None, "upstream_reset", "callee_proxy"),
    ("UPE", 502, f"{RESET}{{protocol_error}}", None, "upstream_protocol_error", "callee_proxy"),
    ("DC", 0, "downstream_remote_disconnect", None, "client_cancel", "caller_application"),
    ("DR", 0, "http2.remote_reset", None, "client_cancel", "caller_application"),
    ("DPE", 400, "http1.codec_error", None, "downstream_protocol_error", "caller_application"),
    ("DF", 503, "dns_resolution_failure", None, "dns_failure", "network"),
    ("FI", 500, "fault_filter_abort", None, "fault_abort", "configuration"),
    ("RL", 429, "local_rate_limited", None, "rate_limited", "configuration"),
    ("UAEX", 403, "ext_authz_denied", None, "ext_authz_denied", "configuration"),
    ("UAEX", 403, "ext_authz_error", None, "ext_authz_unreachable", "caller_proxy"),
    ("OM", 503, "overload", None, "overload", "caller_proxy"),
    (None, 503, "direct_response", None, "direct_response", "configuration"),
    (None, 503, "via_upstream", None, "application_error", "unknown"),
    ("URX", 503, "via_upstream", None, "retries_exhausted", "unknown"),
    (None, 503, "something_new", None, None, "unknown"),
    # gRPC: failures of proxies are HTTP 200.
    (None, 200, "rbac_access_denied_matched_policy[none]", None, "rbac_no_allow_match", "configuration"),
    ("DI", 200, "via_upstream", None, "fault_delay", "configuration"),
]

#: What both logged: caller's columns, callee's columns -> cause, whose line decides, side.
BOTH: list[tuple[dict[str, Any], dict[str, Any], str | None, str, str]] = [
    (PASSED_ON | {"response_code": 503}, {"flags": "UF", "code": 503, "details": REFUSED},
     "connection_refused", "server", "callee_application"),
    (PASSED_ON | {"response_code": 503, "response_flags": "URX"}, {"flags": "UC", "code": 503, "details": None},
     "upstream_closed", "server", "callee_application"),
    (PASSED_ON | {"response_code": 500}, {"code": 500, "details": "via_upstream"},
     "application_error", "server", "callee_application"),
    (PASSED_ON | {"response_code": 503, "response_flags": "URX"}, {"code": 503, "details": "via_upstream"},
     "retries_exhausted", "server", "callee_application"),
    (PASSED_ON | {"response_code": 403}, {"code": 403, "details": DENIED},
     "rbac_denied", "server", "configuration"),
    (PASSED_ON | {"response_code": 401}, {"code": 401, "details": "jwt_authn_access_denied{Jwt_is_expired}"},
     "jwt_rejected", "server", "caller_application"),
    ({"response_code": 200, "response_flags": "UPE",
      "response_code_details": "upstream_reset_after_response_started{protocol_error}"},
     {"flags": "UPE", "code": 200, "details": "upstream_reset_after_response_started{protocol_error}"},
     "upstream_protocol_error", "server", "callee_application"),
    # The callee sees its caller leave; the reason is the caller's limit.
    ({"response_code": 504, "response_flags": "UT", "response_code_details": "response_timeout"},
     {"flags": "DC", "code": 0, "details": "downstream_remote_disconnect"}, "route_timeout", "client", "configuration"),
    ({"response_code": 504}, {"flags": "DC", "code": 0, "details": None}, None, "client", "unknown"),
    ({"response_code": 0, "response_flags": "DC", "response_code_details": "downstream_remote_disconnect"},
     {"flags": "DC", "code": 0, "details": "downstream_remote_disconnect"},
     "client_cancel", "client", "caller_application"),
    (PASSED_ON | {"response_code": 503, "response_flags": "DI"}, {"flags": "UF", "code": 503, "details": REFUSED},
     "connection_refused", "server", "callee_application"),
]  # fmt: skip


def explain(*calls: dict[str, object]) -> list[dict[str, Any]]:
    with session_of(calls) as session:
        rows: list[dict[str, Any]] = session.query("failing_calls").to_pylist()
    return sorted(rows, key=lambda row: row["start_time"])


def test_what_the_callers_proxy_alone_says() -> None:
    rows = explain(
        *(
            call(
                second,
                response_flags=flags,
                response_code=code,
                response_code_details=details,
                upstream_transport_failure_reason=transport,
                is_error=code >= 500 or code == 0,
            )
            for second, (flags, code, details, transport, _, _) in enumerate(CALLER_ONLY)
        )
    )
    assert [(row["cause"], row["side"]) for row in rows] == [(cause, side) for *_, cause, side in CALLER_ONLY]


def test_which_of_two_lines_decides() -> None:
    rows = explain(
        *(
            call(
                second,
                is_error=True,
                server_response_code=server["code"],
                server_response_flags=server.get("flags"),
                server_response_code_details=server["details"],
                **client,
            )
            for second, (client, server, *_) in enumerate(BOTH)
        )
    )
    assert [(row["cause"], row["decided_by"], row["side"]) for row in rows] == [tuple(told) for _, _, *told in BOTH]


def test_an_answer_of_the_application_below_500_is_no_failure() -> None:
    assert explain(
        call(response_code=404, response_code_details="via_upstream"),
        call(1, response_code=404, response_code_details="via_upstream", server_response_code=404,
             server_response_code_details="via_upstream"),
        call(2, response_code=301, response_code_details="direct_response"),
        call(3, response_code=200, response_code_details="via_upstream", response_flags="RFCF"),
        call(4, response_code=200),
        call(5, protocol="tcp", response_code=0),
    ) == []  # fmt: skip


def test_tcp_has_flags_only_and_the_callees_flags_decide() -> None:
    rows = explain(
        call(0, protocol="tcp", response_code=0, response_flags="UF,URX", is_error=True,
             upstream_transport_failure_reason="delayed_connect_error:_Connection_refused"),
        call(1, protocol="tcp", response_code=0, response_flags="UH", is_error=True),
        call(2, protocol="tcp", response_code=0, response_flags="URX", is_error=True),
        call(3, protocol="tcp", response_code=0, response_flags="UH", is_error=True, route_kind="blackhole"),
        call(4, protocol="tcp", response_code=0, server_response_code=0, server_response_flags="UF,URX",
             server_upstream_transport_failure_reason="delayed_connect_error:_Connection_refused"),
        call(5, protocol="tcp", response_code=0, reporter="destination", server_response_code=0, response_flags="NR",
             server_response_flags="NR", server_response_code_details="filter_chain_not_found", is_error=True),
        call(6, protocol="tcp", response_code=0, response_flags="-", is_error=True, server_response_code=0,
             connection_termination_details="rbac_access_denied_matched_policy[none]"),
    )  # fmt: skip
    assert [(row["cause"], row["decided_by"]) for row in rows] == [
        ("connection_refused", "client"),
        ("no_healthy_endpoint", "client"),
        ("connection_failed", "client"),
        ("blocked_egress", "client"),
        ("connection_refused", "server"),
        ("plaintext_to_strict_mtls", "server"),
        ("rbac_no_allow_match", "client"),
    ]


def test_every_cause_that_rules_and_settings_name_is_in_the_vocabulary() -> None:
    with empty_session() as session:
        named = {*session.query("failure_rules").column("cause").to_pylist()}
        named |= {*session.query("cause_settings").column("cause").to_pylist()}
        rules = session.query("failure_rules").column("rule").to_pylist()
    assert named - {None} <= set(BY_NAME)
    assert len(rules) == len(set(rules))
    codes = [cause.code for cause in BY_NAME.values()]
    assert len(codes) == len(set(codes))


def reference(name: str) -> list[dict[str, str]]:
    path = REFERENCE / name
    if not path.is_file():
        pytest.skip(f"{path} is absent; set MESH_REFERENCE_DIR")
    with path.open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


#: Flags that are no failure, and names in the reference that are clusters or another proxy's.
NOT_A_FLAG = {"RFCF", "-", "BlackHoleCluster", "PassthroughCluster", "InboundPassthroughCluster", "DENY", "CONNECT"}


@pytest.mark.corpus
def test_every_response_flag_that_envoy_documents_has_a_cause() -> None:
    flags = [row["short"] for row in reference("response_flags.tsv") if row["short"] not in NOT_A_FLAG]
    rows = explain(
        *(call(second, response_flags=flag, response_code=503, is_error=True) for second, flag in enumerate(flags))
    )
    unexplained = [flag for flag, row in zip(flags, rows, strict=True) if row["cause"] is None]
    assert flags
    assert unexplained == []


#: Details that say nothing went wrong.
NO_FAILURE = {"via_upstream", "internal_redirect", "request_payload_exceeded_retry_buffer_limit", "direct_response"}


@pytest.mark.corpus
def test_every_response_code_detail_that_envoy_documents_has_a_cause() -> None:
    texts = [
        text.strip()
        for row in reference("response_code_details.tsv")
        for text in row["details"].replace(" / ", ", ").split(", ")
        if text.strip() not in NO_FAILURE and "..." not in text and "*" not in text
    ]
    rows = explain(
        *(
            call(second, response_code_details=text, response_code=503, is_error=True)
            for second, text in enumerate(texts)
        )
    )
    unexplained = [text for text, row in zip(texts, rows, strict=True) if row["cause"] is None]
    assert len(texts) > 40
    assert unexplained == []


@pytest.mark.corpus
def test_every_local_close_reason_has_a_cause_when_the_proxy_closed_the_caller() -> None:
    path = REFERENCE / "close_reasons.txt"
    if not path.is_file():
        pytest.skip(f"{path} is absent; set MESH_REFERENCE_DIR")
    listed = path.read_text().partition(":\n")[2].partition("\nDETECTED")[0]
    reasons = [reason.split(":")[0].split(" ")[0] for reason in listed.replace("\n", "").split(", ")]
    rows = explain(
        *(
            call(second, response_code_details=f"downstream_local_disconnect({reason})", response_code=0, is_error=True)
            for second, reason in enumerate(reasons)
        )
    )
    unexplained = [reason for reason, row in zip(reasons, rows, strict=True) if row["cause"] is None]
    assert len(reasons) >= 12
    assert unexplained == []
