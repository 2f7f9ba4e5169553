"""Times that a query names."""

import doctest
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmws_mcp.memory.language import dates
from tmws_mcp.memory.language.dates import SPANS_MAX, spans

NOW = datetime(2023, 8, 16, 15, tzinfo=UTC).timestamp()  # a Wednesday
WRITTEN = ("%Y-%m-%d", "%d %B %Y", "%B %d, %Y")


def day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def named(text: str) -> list[tuple[str, str]]:
    return [(day(span.start), day(span.end)) for span in spans(text, NOW)]


def test_examples_in_the_docstrings() -> None:
    assert doctest.testmod(dates).failed == 0


@pytest.mark.parametrize(
    ("text", "first", "behind"),
    [
        ("what happened on 8 May, 2023?", "2023-05-08", "2023-05-09"),
        ("on the 8th of May 2023", "2023-05-08", "2023-05-09"),
        ("dinner on May 3, 2022", "2022-05-03", "2022-05-04"),
        ("the release of 2023-05-08", "2023-05-08", "2023-05-09"),
        ("in May 2023", "2023-05-01", "2023-06-01"),
        ("in February of 2024", "2024-02-01", "2024-03-01"),
        ("last May", "2023-05-01", "2023-06-01"),
        ("last November", "2022-11-01", "2022-12-01"),
        ("last August", "2022-08-01", "2022-09-01"),
        ("next May", "2024-05-01", "2024-06-01"),
        ("this October", "2023-10-01", "2023-11-01"),
        ("last summer", "2022-06-01", "2022-09-01"),
        ("in the summer of 2021", "2021-06-01", "2021-09-01"),
        ("what changed in 2021?", "2021-01-01", "2022-01-02"),
        ("two weeks ago", "2023-07-31", "2023-08-05"),
        ("what did he say two weeks before?", "2023-07-31", "2023-08-05"),
        ("a day ago", "2023-08-15", "2023-08-16"),
        ("3 months earlier", "2023-05-08", "2023-05-29"),
        ("yesterday", "2023-08-15", "2023-08-16"),
        ("the day before yesterday", "2023-08-14", "2023-08-15"),
        ("last week", "2023-08-07", "2023-08-14"),
        ("this week", "2023-08-14", "2023-08-21"),
        ("last weekend", "2023-08-12", "2023-08-14"),
        ("last month", "2023-07-01", "2023-08-01"),
        ("next month", "2023-09-01", "2023-10-01"),
        ("last year", "2022-01-01", "2023-01-02"),
        ("on Monday", "2023-08-14", "2023-08-15"),
        ("last Wednesday", "2023-08-09", "2023-08-10"),
        ("next Friday", "2023-08-18", "2023-08-19"),
    ],
)
def test_a_time_is_resolved(text: str, first: str, behind: str) -> None:
    assert named(text) == [(first, behind)]


@pytest.mark.parametrize(
    "text",
    [
        "may I have the march?",
        "did he fall in love with the spring water?",
        "on 31 February 2023",
        "port 2023 is taken",
        "two weeks before the wedding",
        "2023-13-45",
        "99999 years ago",
        "",
    ],
)
def test_words_that_name_no_time(text: str) -> None:
    assert named(text) == []


def test_a_day_without_a_year_is_of_any_year() -> None:
    [span] = spans("on 8 May", NOW)

    assert span.yearly


def test_what_is_resolved_against_now_is_less_sure_than_a_date() -> None:
    [exact] = spans("on 8 May 2023", NOW)
    [ago] = spans("two weeks ago", NOW)
    [year] = spans("in 2023", NOW)

    assert exact.confidence > ago.confidence > year.confidence


def test_two_times_are_both_found() -> None:
    assert len(named("between 3 May 2023 and 8 June 2023")) == 2


def test_the_number_of_times_is_bounded() -> None:
    assert len(spans(" ".join(f"2023-05-{n:02}" for n in range(1, 20)), NOW)) == SPANS_MAX


@given(st.text(), st.floats(-2e9, 9e9))
def test_any_text_at_any_time_gives_spans_that_are_in_order(text: str, now: float) -> None:
    for span in spans(text, now):
        assert span.start < span.end
        assert 0 < span.confidence <= 1


@given(st.dates(date(1950, 1, 1), date(2090, 1, 1)), st.sampled_from(WRITTEN))
def test_a_written_day_is_that_day_whatever_now_is(moment: date, form: str) -> None:
    [span] = spans(f"what was on {moment.strftime(form)}?", NOW)

    assert day(span.start) == moment.isoformat()
    assert span.end - span.start == 86_400
