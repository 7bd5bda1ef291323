"""Every page over the shop's lake: what it says, what its filters leave, what a shared link opens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.dashboards import shop, shop_results
from tests.dashboards.reading import chart, identities, metrics, only, table, tables, words

if TYPE_CHECKING:
    from tests.dashboards.conftest import Open

REQUESTS = shop.MINUTES * shop.REQUESTS_PER_MINUTE
FAILED = shop.failed_payments()
BANK_CALLS = sum(number % 10 == 0 for number in range(REQUESTS))
CALLS = 4 * REQUESTS + BANK_CALLS
PAYMENTS_EDGE = f"shop/cart > {shop.PAYMENTS.host} http"


def test_overview_counts_each_call_once_and_names_what_is_wrong(open_page: Open) -> None:
    app = open_page("overview")
    assert metrics(app) == {
        "Calls": str(CALLS),
        "Error rate": f"{100 * FAILED / CALLS:.1f} %",
        "p95 latency": "86 ms",
        "Findings": "2",
        "Alerts": "1",
        "Proxies heard": "5 of 6",
    }
    assert [row["Code"] for row in table(app, "Worst findings")] == [
        "ML0203",
        "ML0101",
    ]  # the suppressed one is left out
    (edge,) = table(app, "Failing edges")
    assert (edge["Caller"], edge["Callee"], edge["Failed"]) == ("shop/cart", shop.PAYMENTS.host, str(FAILED))
    bars = chart(app, "Calls per")
    assert sum(sum(series["values"]) for series in bars["series"]) == CALLS
    assert sum(bars["series"][1]["values"]) == FAILED
    assert {row["Signal"]: row["Records"] for row in table(app, "Freshness")}["spans"] == "48"


def test_namespace_and_window_filters_come_from_the_link_and_reach_every_number(open_page: Open) -> None:
    app = open_page("overview", namespace="billing", window="1 min")
    assert app.selectbox(key="namespace").value == "billing"
    # The last minute by the newest record, which is the metrics' at the tenth minute: requests 54 to 59.
    assert metrics(app)["Calls"] == "6"
    assert metrics(app)["Proxies heard"] == "1 of 2"


def test_topology_draws_services_with_their_counts(open_page: Open) -> None:
    app = open_page("topology")
    graph = only(app, "meshlens_graph")
    kinds = {node["label"]: node["kind"] for node in graph["nodes"]}
    assert kinds["ingress"] == "gateway"
    assert kinds["catalog"] == "service"  # the workload catalog-v1 and the host it serves are one node
    assert kinds[shop.BANK] == "external"
    links = {link["id"]: link for link in graph["links"]}
    assert links[f"{shop.CART.host} > {shop.PAYMENTS.host}"]["tone"] == "bad"
    assert links[f"{shop.CART.host} > {shop.PAYMENTS.host}"]["label"] == "60 (15.0 %)"
    assert links[f"{shop.STOREFRONT.host} > {shop.CATALOG.host}"]["label"] == str(REQUESTS)
    rows = {(row["Caller"], row["Callee"]): row for row in table(app, "Edges")}
    assert len(rows) == 5
    assert rows["billing/payments", shop.BANK]["Calls"] == str(BANK_CALLS)


@pytest.mark.parametrize(("source", "edges"), [("logs", 5), ("traces", 4), ("metrics", 2)])
def test_topology_switches_its_source(open_page: Open, source: str, edges: int) -> None:
    assert len(table(open_page("topology", source=source), "Edges")) == edges


def test_topology_says_where_the_sources_disagree(open_page: Open) -> None:
    rows = {(row["Caller"], row["Callee"]): row for row in table(open_page("topology"), "Disagreements")}
    assert rows["shop/storefront", shop.CATALOG.host]["Difference"] == "logs count 5 more (8.3 %)"
    assert rows["shop/cart", shop.PAYMENTS.host]["Difference"] == "metrics do not show it"
    assert ("istio-system/ingress", shop.STOREFRONT.host) not in rows


def test_topology_shows_the_numbers_of_the_edge_in_the_link(open_page: Open) -> None:
    app = open_page("topology", edge=PAYMENTS_EDGE)
    assert metrics(app)["Error rate"] == "15.0 %"
    outcomes = {row["Code"]: row for row in table(app, "How calls ended")}
    assert outcomes["503"]["Flags"] == "UF,URX"
    assert outcomes["503"]["Calls"] == str(FAILED)
    requests = table(app, "Requests of the edge")
    assert [row["Code"] for row in requests[:FAILED]] == ["503"] * FAILED
    assert requests[0]["Log file and byte offset"].startswith(f"{shop.CART.log}:")


def test_topology_shows_the_numbers_of_the_node_in_the_link(open_page: Open) -> None:
    app = open_page("topology", node=shop.STOREFRONT.host)
    assert metrics(app)["Calls received"] == str(REQUESTS)
    assert metrics(app)["Calls made"] == str(2 * REQUESTS)
    assert [row["Called by"] for row in table(app, "Called by links")] == ["ingress.istio-system"]


def test_topology_says_so_when_the_link_names_nothing(open_page: Open) -> None:
    assert "not in this window" in words(open_page("topology", edge="nobody > nothing http"))


def test_findings_are_listed_worst_first_and_filtered_by_the_link(open_page: Open) -> None:
    app = open_page("findings")
    assert [row["Severity"] for row in table(app, "Findings")] == ["error", "warning", "info"]
    assert table(app, "Findings")[2]["Suppressed by"].startswith("annotation on")
    assert [row["Code"] for row in table(open_page("findings", severity="warning"), "Findings")] == ["ML0101"]
    assert [row["Code"] for row in table(open_page("findings", code="ML0102"), "Findings")] == ["ML0102"]
    assert [row["Code"] for row in table(open_page("findings", namespace="billing"), "Findings")] == [
        "ML0203",
        "ML0102",
    ]
    by_analyzer = open_page("findings", analyzer="dangling_host")
    assert [row["Code"] for row in table(by_analyzer, "Findings")] == ["ML0101", "ML0102"]


def test_findings_name_the_analyzers_that_lacked_input(open_page: Open) -> None:
    rows = {row["Analyzer"]: row for row in table(open_page("findings"), "Analyzers")}
    assert rows["explained_failures"]["Outcome"] == "ran"
    assert rows["mutual_tls"]["Missing input"] == "PeerAuthentication"


def test_a_finding_opens_with_its_evidence_and_the_very_requests(open_page: Open) -> None:
    app = open_page("findings", finding=shop_results.FAILURE_FINGERPRINT)
    said = words(app)
    assert "the callee's application" in said
    assert "Service/billing/payments" in said
    assert "spec/ports[0]/targetPort" in said
    assert "Check that payments listens on port 8080." in said
    assert {row["Fact"]: row["Value"] for row in table(app, "Evidence: Facts")}["failures"] == str(FAILED)
    lines = table(app, "Requests")
    assert len(lines) == 5
    assert {line["Code"] for line in lines} == {"503"}
    assert {line["Written by"] for line in lines} == {shop.CART.pod}
    assert lines[0]["Log file and byte offset"].startswith(f"{shop.CART.log}:")
    hops = {line["Written by"] for line in table(app, "Hops")}
    assert {shop.GATEWAY.pod, shop.STOREFRONT.pod, shop.CART.pod} <= hops


def test_a_finding_opens_whatever_the_filters(open_page: Open) -> None:
    app = open_page("findings", severity="info", finding=shop_results.FAILURE_FINGERPRINT)
    assert "connection_refused" in words(app)
    assert "may be solved" in words(open_page("findings", finding="0" * 32))


def test_traces_are_filtered_by_failure_service_duration_and_id(open_page: Open) -> None:
    sampled = REQUESTS // 5
    assert len(table(open_page("traces"), "Traces")) == sampled
    failed = sum(shop.fails(number) for number in range(0, REQUESTS, 5))
    assert [row["Failed spans"] for row in table(open_page("traces", failed="true"), "Traces")] == ["1"] * failed
    assert len(table(open_page("traces", service="cart"), "Traces")) == sampled
    assert "No trace fits" in words(open_page("traces", min_duration="100.0"))
    assert identities(open_page("traces", trace_id=shop.trace_id(5)), "Traces") == [shop.trace_id(5)]


def test_a_trace_opens_as_a_waterfall(open_page: Open) -> None:
    app = open_page("traces", trace=shop.trace_id(50))
    bars = only(app, "meshlens_waterfall")["bars"]
    assert [(bar["service"], bar["depth"], bar["start_ms"], bar["duration_ms"]) for bar in bars] == [
        ("ingress", 0, 0.0, 80.0),
        ("storefront", 1, 5.0, 20.0),
        ("storefront", 1, 30.0, 40.0),
        ("cart", 2, 35.0, 30.0),
    ]
    assert [bar["flag"] for bar in bars] == ["", "", "", "503"]
    assert bars[0]["gaps"] == [[0.0, 5.0], [25.0, 30.0], [70.0, 80.0]]
    missing = only(open_page("traces", trace=shop.trace_id(0)), "meshlens_waterfall")["bars"]
    assert [bar["note"] for bar in missing] == ["", "", "", "parent span not recorded"]


def test_a_span_opens_with_all_it_says_and_its_log_lines(open_page: Open) -> None:
    app = open_page("traces", trace=shop.trace_id(50), span="0000003200000003")
    fields = {row["Field"]: row["Value"] for row in table(app, "Span")}
    assert fields["workload"] == "cart"
    assert fields["response flags"] == "UF,URX"
    assert {row["Attribute"]: row["Value"] for row in table(app, "Attributes")}["user_agent"] == shop.HOSTILE_AGENT
    assert "503" in {row["Code"] for row in table(app, "Lines of the request")}


def test_an_alert_opens_with_the_edges_minutes_against_its_past(open_page: Open) -> None:
    app = open_page("alerts")
    (row,) = table(app, "Alerts")
    assert (row["Kind"], row["Observed"], row["Expected"]) == ("error rate", "50.0 %", "0 %")
    (identity,) = identities(app, "Alerts")
    opened = open_page("alerts", alert=identity)
    rates = chart(opened, "Error rate")
    assert rates["series"][0]["values"] == [0.0] * shop.FAILING_FROM + [0.5] * (shop.MINUTES - shop.FAILING_FROM)
    assert rates["band"]["label"] == "expected 0 %"
    assert rates["band"]["begin"] == rates["times"][shop.FAILING_FROM]
    assert "29.0 % to 71.0 %" in words(opened)


def test_scoping_lists_verdicts_and_opens_manifest_and_diff(open_page: Open) -> None:
    app = open_page("scoping")
    verdicts = {row["Workload"]: row["Verdict"] for row in table(app, "Recommendations")}
    assert verdicts == {"cart": "EMIT_REVIEW", "ledger": "ABSTAIN"}
    opened = open_page("scoping", workload="shop/cart")
    manifest, diff = (element.value for element in opened.code)
    assert manifest == shop_results.MANIFEST.strip()
    assert "-    - ./*" in diff.splitlines()  # from the Sidecar in the cluster, not from the recommendation before
    assert f"+    - billing/{shop.PAYMENTS.host}" in diff.splitlines()
    assert table(opened, "Reasons")[0]["Warning"] == "SHORT_WINDOW"
    assert {row["Fact"]: row["Value"] for row in table(opened, "Evidence: Coverage")}["pods logged"] == "1"
    abstained = open_page("scoping", workload="billing/ledger")
    assert "There is no manifest." in words(abstained)


def test_data_accounts_for_every_record_and_names_silent_pods(open_page: Open) -> None:
    app = open_page("data")
    lines = int(metrics(app)["Accepted"])
    assert metrics(app)["Records read"] == str(lines + 2)
    assert f"{lines + 2} read = {lines} accepted + 2 rejected." in words(app).replace("\\", "")
    rejected = table(app, "Rejected records")
    assert [row["Bytes as read"] for row in rejected] == [
        "<script>window.hacked=5</script>",
        r"\x00\xffbroken\x1b[31m line",
    ]
    assert rejected[0]["Byte offset"] == "90,000"
    coverage = {row["Pod"]: row["Log lines"] for row in table(app, "Coverage")}
    assert coverage[shop.SILENT.pod] == "0"
    assert "No access log from 1 pod with a proxy" in words(app)
    assert [row["Kind"] for row in table(app, "Runs")] == ["recommend", "recommend", "alerts", "diagnose", "ingest"]


def test_data_shows_the_rejects_of_one_source(open_page: Open) -> None:
    assert table(open_page("data", source_file=shop.GATEWAY.log), "Rejected records") == []
    assert len(table(open_page("data", source_file=shop.CART.log), "Rejected records")) == 2


def test_pages_offer_the_tables_that_open_things(open_page: Open) -> None:
    assert {"Worst findings", "Newest alerts", "Failing edges", "Freshness"} <= tables(open_page("overview"))


def test_health_judges_every_level_and_says_why(open_page: Open) -> None:
    app = open_page("health")
    services = {row["Name"]: row for row in table(app, "Services")}
    assert services[shop.PAYMENTS.host]["Status"] == "degraded"
    assert services[shop.PAYMENTS.host]["Why"].startswith(f"{FAILED} of {REQUESTS} calls failed")
    assert services[shop.CATALOG.host]["Status"] == "healthy"
    edges = {(row["Caller"], row["Callee"]): row["Status"] for row in table(app, "Edges")}
    assert edges["shop/cart", shop.PAYMENTS.host] == "degraded"
    assert {row["Name"]: row["Status"] for row in table(app, "Namespaces")}["billing"] == "degraded"
    # One minute has six calls: too few to judge.
    assert {row["Status"] for row in table(open_page("health", window="1 min"), "Services")} == {"unknown"}
