"""The lab's scenarios: a short one for tests and a long one for the bundled recording."""

from __future__ import annotations

from dataclasses import replace

from tests.lab.configuration_faults import CONFIGURATION_FAULTS
from tests.lab.fault_mesh import FAULTS_MESH
from tests.lab.model import Behaviour, Fault, Scenario
from tests.lab.protocol_faults import PROTOCOL_FAULTS
from tests.lab.topology import SHOP, reduced

REVIEWS_ERRORS = Fault(
    name="reviews-v2-errors",
    target="reviews-v2",
    behaviour=Behaviour(latency_ms=8, error_rate=0.9),
    expect="503 via_upstream from reviews v2 only",
)
RECOMMENDATIONS_SLOW = Fault(
    name="recommendations-slow",
    target="recommendations-v1",
    behaviour=Behaviour(latency_ms=650, jitter_ms=80),
    expect="504 UT at the caller: the route's timeout is 300 ms",
)
PAYMENTS_STOPPED = Fault(
    name="payments-app-stopped",
    target="payments-v1",
    behaviour=Behaviour(stopped=True),
    expect="503 UF connection refused at payments' inbound; its proxy lives",
)
CART_FLAKY = Fault(
    name="cart-flaky",
    target="cart-v1",
    behaviour=Behaviour(error_rate=0.4),
    expect="503 inbound at cart, most hidden from frontend by retries, some 503 URX",
)
INVENTORY_SLOW = Fault(
    name="inventory-breaker",
    target="inventory-v0",
    behaviour=Behaviour(latency_ms=3000, jitter_ms=300),
    expect="503 UO at catalog: 3 connections and 2 pending requests are all it may have",
)
CATALOG_SLOWER = Fault(
    name="catalog-latency",
    target="catalog-v1",
    behaviour=Behaviour(latency_ms=160, jitter_ms=30),
    expect="no errors; catalog answers about 150 ms later than in its own past",
    settings_change=("cache_enabled", "true", "false"),
)


def timed(fault: Fault, start_s: float, seconds: float) -> Fault:
    """The fault at a place on the time line."""
    return replace(fault, start_s=start_s, seconds=seconds)


SMOKE = Scenario(
    name="smoke",
    mesh=reduced(SHOP, frozenset({"recommendations", "checkout", "payments", "acquirer.bank.example"})),
    seconds=16,
    requests_per_second=12,
    faults=(timed(REVIEWS_ERRORS, 6, 6),),
    scrape_seconds=1,
    query_step_seconds=1,
)

SHOP_SCENARIO = Scenario(
    name="shop",
    mesh=SHOP,
    seconds=480,
    requests_per_second=5,
    faults=(
        timed(REVIEWS_ERRORS, 185, 25),
        timed(RECOMMENDATIONS_SLOW, 220, 25),
        timed(PAYMENTS_STOPPED, 255, 25),
        timed(CART_FLAKY, 290, 20),
        timed(INVENTORY_SLOW, 318, 22),
        # Long enough to hold a whole minute of the clock, wherever it begins.
        timed(CATALOG_SLOWER, 350, 130),
    ),
)


def one_after_another(
    name: str, faults: tuple[Fault, ...], fault_seconds: float, gap_seconds: float, requests_per_second: float
) -> Scenario:
    """The faults in this order, with quiet between them."""
    spaced = tuple(
        timed(fault, 4 + number * (fault_seconds + gap_seconds), fault_seconds) for number, fault in enumerate(faults)
    )
    return Scenario(
        name=name,
        mesh=FAULTS_MESH,
        seconds=spaced[-1].start_s + fault_seconds + gap_seconds,
        requests_per_second=requests_per_second,
        faults=spaced,
    )


# Windows are far enough apart that none is taken for its neighbour on a machine that is busy.
FAULTS_SCENARIO = one_after_another("faults", CONFIGURATION_FAULTS + PROTOCOL_FAULTS, 5, 9, 2.5)

SCENARIOS = {scenario.name: scenario for scenario in (SMOKE, SHOP_SCENARIO, FAULTS_SCENARIO)}
