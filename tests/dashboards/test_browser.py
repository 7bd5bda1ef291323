"""Every page in a real browser: what a click opens, what a link restores, what stays on this machine."""

from __future__ import annotations

import io
import re
import time
import zipfile
from typing import TYPE_CHECKING
from urllib.parse import urlparse

import pytest

from pipelines.lake.lake import Lake
from tests.dashboards import shop, shop_results
from tests.dashboards.browsing import TIMEOUT_MS, Visit, missing, served, start_browser

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(missing()), reason=missing() or "never")]

REQUESTS = shop.MINUTES * shop.REQUESTS_PER_MINUTE


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = start_browser(playwright)
        yield started
        started.close()


@pytest.fixture(scope="module")
def url(shop_lake: Path) -> Iterator[str]:
    with served(shop_lake) as address:
        yield address


@pytest.fixture
def visit(browser: Browser, url: str) -> Iterator[Visit]:
    with visiting(browser, url) as tab:
        yield tab


class visiting:  # noqa: N801 - used like a function in a `with` statement
    """A tab whose script errors and requests to other machines fail the test."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.context = browser.new_context(viewport={"width": 1440, "height": 1000}, accept_downloads=True)
        self.context.set_default_timeout(TIMEOUT_MS)
        self.visit = Visit(self.context.new_page(), url)

    def __enter__(self) -> Visit:
        visit = self.visit
        visit.page.on("pageerror", lambda error: visit.errors.append(str(error)))
        host = urlparse(visit.url).netloc
        visit.page.on(
            "request",
            lambda request: (
                visit.strangers.append(request.url) if urlparse(request.url).netloc not in {host, ""} else None
            ),
        )
        return visit

    def __exit__(self, *_: object) -> None:
        hacked = self.visit.page.evaluate("window.hacked")
        self.context.close()
        assert hacked is None
        assert self.visit.errors == []
        assert self.visit.strangers == []


def test_overview_opens_the_worst_finding_and_keeps_the_namespace(visit: Visit) -> None:
    visit.open("/?namespace=billing")
    page = visit.page
    page.get_by_text("Proxies heard").wait_for()
    page.get_by_role("img", name="Calls per 10 seconds").wait_for()
    visit.row("Worst findings", "ML0203")
    page.get_by_text("Side at fault").wait_for()
    assert f"finding={shop_results.FAILURE_FINGERPRINT}" in page.url
    assert "namespace=billing" in page.url


def test_a_filter_goes_into_the_link_and_a_reload_restores_it(visit: Visit) -> None:
    visit.open("/")
    page = visit.page
    page.get_by_role("combobox", name="Namespace").click()
    page.get_by_role("option", name="billing").click()
    calls = page.get_by_test_id("stMetric").filter(has_text="Calls").get_by_test_id("stMetricValue")
    page.wait_for_url(re.compile("namespace=billing"))
    page.get_by_test_id("stMetricValue").filter(has_text=re.compile("^66$")).wait_for()
    page.reload()
    page.get_by_test_id("stMetricValue").filter(has_text=re.compile("^66$")).wait_for()
    assert calls.inner_text() == "66"
    page.get_by_role("link", name="Topology").click()
    page.locator(f'[data-node="{shop.BANK}"]').wait_for()
    assert page.locator(f'[data-node="{shop.CATALOG.host}"]').count() == 0


def test_topology_shows_numbers_of_the_clicked_node_and_edge(visit: Visit) -> None:
    visit.open("/topology")
    page = visit.page
    page.locator(f'[data-node="{shop.PAYMENTS.host}"]').click()
    metric = page.get_by_test_id("stMetric").filter(has_text="Calls received")
    assert metric.get_by_test_id("stMetricValue").inner_text() == str(REQUESTS)
    edge = page.locator(f'[data-link="{shop.CART.host} > {shop.PAYMENTS.host}"]')
    edge.focus()
    page.keyboard.press("Enter")
    page.get_by_text("How calls ended", exact=True).wait_for()
    rate = page.get_by_test_id("stMetric").filter(has_text="Error rate").get_by_test_id("stMetricValue")
    assert rate.inner_text() == "15.0 %"
    before = page.locator("svg[aria-label='Service graph']").get_attribute("viewBox")
    page.get_by_role("button", name="Zoom in").click()
    assert page.locator("svg[aria-label='Service graph']").get_attribute("viewBox") != before
    page.reload()
    rate.wait_for()
    assert rate.inner_text() == "15.0 %"


def test_topology_is_panned_by_dragging_without_choosing(visit: Visit) -> None:
    visit.open("/topology")
    page = visit.page
    graph = page.locator("svg[aria-label='Service graph']")
    node = page.locator(f'[data-node="{shop.CART.host}"]')
    node.wait_for()
    before = graph.get_attribute("viewBox")
    box = node.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 20, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 60, steps=5)
    page.mouse.up()
    assert graph.get_attribute("viewBox") != before
    assert "node=" not in page.url


def test_a_finding_opens_with_its_requests(visit: Visit) -> None:
    visit.open("/findings")
    page = visit.page
    visit.row("Findings", "cart ->")
    requests = page.get_by_role("table", name="Requests", exact=True)
    requests.wait_for()
    assert requests.locator("tbody tr").count() == 5
    assert requests.get_by_text(f"{shop.CART.log}:").first.is_visible()
    assert requests.get_by_text(shop.HOSTILE_AGENT).count() == 5  # as text
    visit.row("Findings", "ML0101")
    page.get_by_text("dangling_host", exact=True).first.wait_for()
    assert page.locator("b[onmouseover]").count() == 0


def test_a_table_is_filtered_and_sorted_in_place(visit: Visit) -> None:
    visit.open("/traces")
    page = visit.page
    traces = page.get_by_role("table", name="Traces", exact=True)
    traces.locator("tbody tr").first.wait_for()
    assert traces.locator("tbody tr").count() == REQUESTS // 5
    traces.get_by_role("button", name="Failed spans").click()
    assert "1" in traces.locator("tbody tr").first.locator("td").nth(5).inner_text()
    page.get_by_label("Filter Traces").fill(shop.trace_id(50))
    assert traces.locator("tbody tr").count() == 1


def test_a_trace_opens_as_a_waterfall_and_a_span_with_its_log_lines(visit: Visit) -> None:
    visit.open("/traces")
    page = visit.page
    visit.row("Traces", shop.trace_id(50))
    spans = page.locator("[data-span]")
    spans.first.wait_for()
    assert spans.count() == 4
    failed = page.locator('[data-span="0000003200000003"]')
    assert "503" in failed.inner_text()
    root, last = (
        page.locator(f'[data-span="{span}"] .span').bounding_box() for span in ("0000003200000000", "0000003200000003")
    )
    assert root is not None
    assert last is not None
    assert root["x"] < last["x"] < last["x"] + last["width"] < root["x"] + root["width"]
    failed.click()
    page.get_by_role("table", name="Lines of the request").wait_for()
    assert page.get_by_role("table", name="Attributes").get_by_text(shop.HOSTILE_AGENT).is_visible()
    assert "span=0000003200000003" in page.url


def test_an_alert_shows_the_value_under_the_pointer(visit: Visit) -> None:
    visit.open("/alerts")
    page = visit.page
    visit.row("Alerts", shop.PAYMENTS.host)
    chart = page.get_by_role("img", name="Error rate per minute")
    chart.wait_for()
    box = chart.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] - 20, box["y"] + box["height"] / 2)
    page.get_by_text("error rate: 50.0 %").wait_for()
    assert chart.locator("rect.band").count() == 1


def test_scoping_downloads_one_manifest_and_all_of_them(visit: Visit, tmp_path: Path) -> None:
    visit.open("/scoping")
    page = visit.page
    visit.row("Recommendations", "EMIT_REVIEW")
    with page.expect_download() as one:
        page.get_by_role("button", name="Download this manifest").click()
    one.value.save_as(tmp_path / "one.yaml")
    assert (tmp_path / "one.yaml").read_text("utf-8") == shop_results.MANIFEST
    assert one.value.suggested_filename == "shop-cart-sidecar.yaml"
    with page.expect_download() as every:
        page.get_by_role("button", name="Download 1 manifest (zip)").click()
    every.value.save_as(tmp_path / "all.zip")
    with zipfile.ZipFile(io.BytesIO((tmp_path / "all.zip").read_bytes())) as archive:
        assert archive.read("shop-cart-sidecar.yaml").decode() == shop_results.MANIFEST
    page.get_by_role("tab", name="Diff").click()
    page.get_by_text("in the cluster:").wait_for()


def test_data_shows_the_rejects_of_the_clicked_source(visit: Visit) -> None:
    visit.open("/data")
    page = visit.page
    visit.row("Sources", shop.CART.log)
    page.get_by_text("Rejects of").wait_for()
    rejected = page.get_by_role("table", name="Rejected records")
    assert rejected.get_by_text("<script>window.hacked=5</script>").is_visible()
    assert rejected.get_by_text(r"\x00\xffbroken\x1b[31m line").is_visible()
    page.get_by_role("button", name="All sources").click()
    page.get_by_text("Rejects of").wait_for(state="detached")


def test_the_first_visitor_of_a_link_gets_the_whole_page_and_new_runs_show_without_a_click(
    browser: Browser, tmp_path: Path
) -> None:
    lake = Lake.open(str(tmp_path / "lake"), create=True)
    lake.append("ingest", shop_results.ingested())
    with served(tmp_path / "lake") as address, visiting(browser, address) as tab:
        tab.open("/findings?namespace=billing")
        tab.page.get_by_text("The diagnosis has not run.").wait_for()
        tab.page.get_by_role("combobox", name="Namespace").wait_for()
        lake.append("diagnose", {"findings": shop_results.findings()}, shop_results.DIAGNOSIS)
        written = time.monotonic()
        tab.page.get_by_role("table", name="Findings", exact=True).get_by_text("ML0203").wait_for()
        assert time.monotonic() - written < 10


def test_a_taken_port_is_said_and_nothing_else(url: str) -> None:
    import subprocess
    import sys

    port = str(urlparse(url).port)
    ended = subprocess.run(
        [sys.executable, "-m", "meshlens", "dashboard", "--port", port, "--no-browser"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 3
    assert ended.stdout == ""
    assert f"127.0.0.1:{port} cannot be listened on" in ended.stderr
    assert "choose another --port" in ended.stderr
