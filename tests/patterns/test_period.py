from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmws_mcp.patterns.period import UNITS_MAX, Period, period

NOW = datetime(2026, 5, 13, 12, tzinfo=UTC).timestamp()  # a Wednesday


def at(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T00:00:00+00:00")


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("what happened yesterday", "2026-05-12", "2026-05-13"),
        ("what did we do last week", "2026-05-04", "2026-05-11"),
        ("what did I do this morning", "2026-05-13", "2026-05-14"),
        ("what was noted on 8 May", "2026-05-08", "2026-05-09"),
        ("what was noted on 8 December", "2025-12-08", "2025-12-09"),
        ("notes from 2026-01-30", "2026-01-30", "2026-01-31"),
    ],
)
def test_a_stretch_of_time_has_two_ends(text: str, since: str, until: str) -> None:
    assert period(text, NOW) == Period(at(since), at(until))


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("what was noted since Monday", "2026-05-11"),
        ("everything since 8 May", "2026-05-08"),
        ("notes from 8 May on", "2026-05-08"),
    ],
)
def test_since_a_day_reaches_to_the_present(text: str, since: str) -> None:
    assert period(text, NOW) == Period(at(since))


@pytest.mark.parametrize(
    ("text", "days"),
    [("the last 3 days", 3), ("past two weeks", 14), ("what happened lately", 7)],
)
def test_the_last_days_are_counted_back_from_now(text: str, days: int) -> None:
    (since, until) = (period(text, NOW).since, period(text, NOW).until)

    assert until is None
    assert since is not None
    assert NOW - since.timestamp() == days * 86_400


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("in the last 30 minutes", 30), ("the past hour", 60), ("last two hours", 120)],
)
def test_the_last_hours_are_counted_back_from_now(text: str, minutes: int) -> None:
    since = period(text, NOW).since

    assert since is not None
    assert NOW - since.timestamp() == minutes * 60


def test_a_text_without_a_time_restricts_nothing() -> None:
    assert period("a timeline of the migration", NOW) == Period()


def test_a_number_beyond_reason_is_cut() -> None:
    since = period("the last 9999 years", NOW).since

    assert UNITS_MAX == 1_000
    assert since is not None
    assert since.year in {1026, 1027}


@given(st.text(max_size=200), st.floats(0, 4e9))
def test_any_text_gives_a_period_in_order(text: str, now: float) -> None:
    found = period(text, now)

    assert found.since is None or found.until is None or found.since <= found.until
