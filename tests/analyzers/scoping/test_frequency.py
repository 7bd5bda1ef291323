"""How often a dependency was called, and when one that is no longer called may leave."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import pytest

from analyzers.scoping.frequency import SLICES, frequency, judge, unseen
from analyzers.scoping.history import History, Known, Window
from analyzers.scoping.model import HostDecision

WEEK = timedelta(days=7)
START = datetime(2026, 5, 1, tzinfo=UTC)


def decision(name: str, *slices: int) -> HostDecision:
    return HostDecision(f"shop/{name}", "called", "called", calls=len(slices), slices=slices)


@pytest.mark.parametrize(
    ("slices", "pattern"),
    [
        (range(64), "steady"),
        (range(0, 64, 8), "periodic"),
        ([3], "rare"),
        ([3, 40], "rare"),
        ([60], "new"),
        (range(48, 64), "new"),
        (range(10), "vanishing"),
        ([0, 1, 9, 30, 31, 55], "irregular"),
    ],
)
def test_patterns(slices: range | list[int], pattern: str) -> None:
    found = frequency(slices, 64.0)
    assert found is not None
    assert found.pattern == pattern


def test_figures_of_a_dependency() -> None:
    found = frequency([0, 10, 40], 6400.0)
    assert found is not None
    assert found.missed_probability == pytest.approx(math.exp(-3))
    assert (found.longest_gap_s, found.silent_s, found.keep_for_s) == (3000.0, 2300.0, 6400.0)
    once = frequency([2], 6400.0)
    assert once is not None
    assert (once.longest_gap_s, once.keep_for_s) == (6100.0, 12200.0)
    assert frequency([], 6400.0) is None


def test_rare_dependencies_are_told_and_counted_on() -> None:
    often = decision("often", *range(SLICES))
    assert list(judge([often], WEEK)) == []
    (reason,) = judge([often, decision("once", 5)], WEEK)
    assert (reason.code, reason.verdict) == ("RARE_DEP", "EMIT_REVIEW")
    assert "37%" in reason.message
    assert list(judge([often, decision("once", 5)], timedelta(hours=1))) == []
    singles = [decision(f"once-{number}", number) for number in range(4)]
    assert unseen(singles) == 6
    assert any("about 6 more" in reason.message for reason in judge(singles, WEEK))


def history(*windows: tuple[int, int, Known | None]) -> History:
    found = [
        Window(START + timedelta(days=start), START + timedelta(days=end), {} if known is None else {"shop/a": known})
        for start, end, known in windows
    ]
    return History(MappingProxyType({("shop", "web"): tuple(found)}))


def departure(known: History) -> str | None:
    return known.departure(("shop", "web"), "shop/a", START + timedelta(days=30), START + timedelta(days=37))


def test_a_host_leaves_after_two_quiet_windows_and_its_time() -> None:
    called = Known(5, START + timedelta(days=6), WEEK)
    assert departure(History()) is None
    assert departure(history((0, 7, called))) is None
    assert departure(history((20, 30, Known(0)), (0, 7, called))) is not None
    # A window that overlaps this one is no second one.
    assert departure(history((25, 35, Known(0)), (0, 7, called))) is None
    # Rare: it is kept for twice its longest gap.
    rare = Known(1, START + timedelta(days=6), timedelta(days=60))
    assert departure(history((20, 30, Known(0)), (0, 7, rare))) is None
    assert departure(history((20, 30, None))) is None
