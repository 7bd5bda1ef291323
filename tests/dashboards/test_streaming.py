"""A request that a proxy logs is on the page within ten seconds, with nobody clicking."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from pipelines.lake.lake import Lake
from tests.dashboards import shop, shop_objects
from tests.dashboards.browsing import ROOT, TIMEOUT_MS, missing, served, start_browser

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing()), reason=missing() or "never"),
]

VISIBLE_WITHIN_SECONDS = 10


def line(path: str) -> str:
    """A call from cart to payments in Istio's default text format, now."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    return (
        f'[{now}] "GET {path} HTTP/1.1" 200 - via_upstream - "-" 0 12 5 4 "-" "cart/2.3" '
        f'"{path.strip("/")}" "payments.billing:8080" "{shop.PAYMENTS.address}:8080" '
        f"outbound|8080||{shop.PAYMENTS.host} {shop.CART.address}:40000 10.96.0.9:8080 {shop.CART.address}:50000 "
        "- default\n"
    )


@contextmanager
def streaming(folder: Path, lake: Path) -> Iterator[None]:
    """`meshlens stream` over a folder until the block ends."""
    command = [sys.executable, "-m", "meshlens", "stream", str(folder), "--lake", str(lake), "--analyze-every", "0s"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield
        finally:
            process.terminate()
            process.communicate(timeout=60)


def test_a_logged_request_is_on_the_page_within_ten_seconds(tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    lake, log = tmp_path / "lake", tmp_path / "logs" / shop.CART.pod / "access.log"
    Lake.open(str(lake), create=True).append("ingest", {"mesh_objects": shop_objects.mesh_objects()})
    log.parent.mkdir(parents=True)
    log.write_text(line("/before"))
    with streaming(log.parents[1], lake), served(lake) as url, sync_playwright() as playwright:
        page = start_browser(playwright).new_page()
        page.set_default_timeout(TIMEOUT_MS)
        page.goto(f"{url}/topology?edge=shop/cart > {shop.PAYMENTS.host} http")
        requests = page.get_by_role("table", name="Requests of the edge")
        requests.get_by_text("/before", exact=True).wait_for()  # the stream runs and is caught up
        with log.open("a") as file:
            file.write(line("/streamed"))
        written = time.monotonic()
        requests.get_by_text("/streamed", exact=True).wait_for()
        seconds = time.monotonic() - written
    assert seconds < VISIBLE_WITHIN_SECONDS
