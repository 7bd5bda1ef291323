from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import typer

from meshlens.options import duration, moment, period


@pytest.mark.parametrize(
    ("text", "expected"),
    [("30s", timedelta(seconds=30)), ("1.5h", timedelta(minutes=90)), ("7d", timedelta(days=7)), ("0m", timedelta())],
)
def test_durations(text: str, expected: timedelta) -> None:
    assert duration(text) == expected


@pytest.mark.parametrize("text", ["", "5", "m", "-5m", "5 minutes", "nans", "1e9d"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        duration(text)


def test_moments_are_utc() -> None:
    expected = datetime(2026, 11, 22, 22, 5, tzinfo=UTC)
    assert (
        moment("2026-11-22T22:05:00Z")
        == moment("2026-11-22T23:05:00+01:00")
        == moment("2026-11-22T22:05:00")
        == expected
    )
    assert timedelta(seconds=89) < datetime.now(UTC) - moment("90s") < timedelta(seconds=95)


def test_a_period_may_be_open_and_must_not_end_before_it_starts() -> None:
    assert period(None, None) == (None, None)
    with pytest.raises(typer.BadParameter):
        period("2026-11-22", "2026-11-21")
