"""Times that a query names -> spans of time, against `now`.

"When did we deploy in May?" names no word of the memory it wants, which has only its date. So the
dates of a query are resolved ("8 May 2023", "last summer", "two weeks ago", "in 2023", ISO dates)
and compared with when each memory happened. A day without a year may be any year's. English only;
whatever is no date (31 February) is left out. Days are UTC's.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

SPANS_MAX = 4
TEXT_CHARS_MAX = 2_000
UNITS_AGO_MAX = 1_000

SEASON_DAYS = 92
CERTAIN = 1.0
RESOLVED = 0.8
"""Resolved against now; a query about an old conversation may have meant that one's now."""
SEASON_UNSURE = 0.4
YEAR = 0.3
"""So long a time tells little apart."""

_MONTHS = (
    "january february march april may june july august september october november december".split()  # noqa: SIM905 - a page of quotes reads worse
)
_DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()  # noqa: SIM905 - same
_NUMBERS = {"a": 1, "an": 1, "couple of": 2, "few": 3} | {
    word: number
    for number, word in enumerate(
        "one two three four five six seven eight nine ten eleven twelve".split(),  # noqa: SIM905 - same
        1,
    )
}
_SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
_UNIT_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}

_MONTH = rf"(?P<month>{'|'.join(f'{month[:3]}(?:{month[3:]})?' for month in _MONTHS)})\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_IN_YEAR = r"(?:(?:,|\s+of|\s+in)?\s+(?P<year>(?:19|20)\d\d))"
_IN = r"(?:in|during|over|since|until|by|early|late|mid|of|around)\s+"
_SEASON = rf"(?P<season>{'|'.join(_SEASONS)})"
_WHICH = r"(?P<which>last|this|next|past|previous|coming)"


@dataclass(frozen=True, slots=True)
class Span:
    """A time that a query names, in seconds; `end` is the first moment after it."""

    start: float
    end: float
    confidence: float
    yearly: bool = False
    """The same days of any year."""


def spans(text: str, now: float) -> tuple[Span, ...]:
    """Return the times that a text names, the most exact ones first.

    >>> [span] = spans("what did we decide on 8 May, 2023?", now=1.7e9)
    >>> datetime.fromtimestamp(span.start, UTC).date().isoformat()
    '2023-05-08'
    """
    today = datetime.fromtimestamp(now, UTC).date()
    return tuple(_found(text[:TEXT_CHARS_MAX], today))[:SPANS_MAX]


def _found(text: str, today: date) -> Iterator[Span]:
    """Read the most exact forms first; what one has read, the next ones do not see."""
    for form, read in _FORMS:
        for match in form.finditer(text):
            try:
                span = read(match, today)
            except (ValueError, OverflowError):  # no such day, or before the calendar
                span = None
            if span:
                yield span
        text = form.sub(" ; ", text)


def _on_day(match: re.Match[str], today: date) -> Span:
    said = match.groupdict()
    year = said.get("year")
    first = date(int(year) if year else today.year, _month(said["month"]), int(said["day"]))
    return _span(first, 1, CERTAIN, yearly=not year)


def _in_month(match: re.Match[str], today: date) -> Span:
    said = match.groupdict()
    year = said.get("year")
    first = date(int(year) if year else today.year, _month(said["month"]), 1)
    return _span(first, _month_days(first), CERTAIN, yearly=not year)


def _in_which_month(match: re.Match[str], today: date) -> Span:
    first = date(today.year, _month(match["month"]), 1)
    first = _which_year(match["which"], first, _month_days(first), today)
    return _span(first, _month_days(first), RESOLVED)


def _in_season(match: re.Match[str], today: date) -> Span:
    said = match.groupdict()
    year, which = said.get("year"), said.get("which")
    first = date(int(year) if year else today.year, _SEASONS[said["season"].lower()], 1)
    if which and not year:
        return _span(_which_year(which, first, SEASON_DAYS, today), SEASON_DAYS, RESOLVED)
    return _span(first, SEASON_DAYS, SEASON_UNSURE, yearly=not year)


def _in_year(match: re.Match[str], _: date) -> Span:
    return _span(date(int(match["year"]), 1, 1), 366, YEAR)


def _ago(match: re.Match[str], today: date) -> Span | None:
    number = match["number"].lower()
    count = int(number) if number.isdigit() else _NUMBERS[number]
    days = _UNIT_DAYS[match["unit"].lower()]
    if count > UNITS_AGO_MAX:
        return None
    # People round: two weeks ago is any of these days, two years ago any of those months.
    slack = days // 3
    return _span(today - timedelta(days * count + slack), 1 + 2 * slack, RESOLVED)


def _which_unit(match: re.Match[str], today: date) -> Span:
    unit, step = match["unit"].lower(), _STEPS[match["which"].lower()]
    if unit == "week":
        return _span(today - timedelta(today.weekday() - 7 * step), 7, RESOLVED)
    if unit == "weekend":
        return _span(today - timedelta(today.weekday() - 5 - 7 * step), 2, RESOLVED)
    if unit == "month":
        months = today.year * 12 + today.month - 1 + step
        first = date(months // 12, months % 12 + 1, 1)
        return _span(first, _month_days(first), RESOLVED)
    return _span(date(today.year + step, 1, 1), 366, YEAR)


def _named_day(match: re.Match[str], today: date) -> Span:
    away = {"day before yesterday": -2, "yesterday": -1, "today": 0, "tomorrow": 1}
    return _span(today + timedelta(away[match["word"].lower()]), 1, RESOLVED)


def _weekday(match: re.Match[str], today: date) -> Span:
    """Read the latest such day before today; `next` and `this` look ahead."""
    back = (today.weekday() - _DAYS.index(match["weekday"].lower())) % 7 or 7
    if (match["which"] or "").lower() in ("next", "this", "coming"):
        back = back % 7 - 7
    return _span(today - timedelta(back), 1, RESOLVED)


def _which_year(which: str, first: date, days: int, today: date) -> date:
    """Return the last such time that is over, the next that begins, or this year's."""
    if _STEPS[which.lower()] < 0:
        over = first + timedelta(days) <= today
        return first if over else first.replace(year=first.year - 1)
    if _STEPS[which.lower()] > 0:
        return first if first > today else first.replace(year=first.year + 1)
    return first


def _span(first: date, days: int, confidence: float, *, yearly: bool = False) -> Span:
    start = datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp()
    return Span(start, start + days * 86_400.0, confidence, yearly)


def _month(name: str) -> int:
    return next(i for i, month in enumerate(_MONTHS, 1) if month.startswith(name.lower()))


def _month_days(first: date) -> int:
    return ((first + timedelta(31)).replace(day=1) - first).days


def _form(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"\b{pattern}\b", re.IGNORECASE)


_STEPS = {"last": -1, "past": -1, "previous": -1, "this": 0, "next": 1, "coming": 1}
_NUMBER = rf"(?P<number>\d{{1,4}}|{'|'.join(_NUMBERS)})"
_UNIT = r"(?P<unit>day|week|month|year)s?"
_BACK = r"(?:ago|earlier|(?:before|back)(?=\s*(?:[?.!,;]|$|now|today)))"

_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], date], Span | None]], ...] = (
    (_form(r"(?P<year>(?:19|20)\d\d)-(?P<month>\d\d)-(?P<day>\d\d)"), lambda m, _: _iso(m)),
    (_form(rf"{_DAY}\s+(?:of\s+)?{_MONTH}{_IN_YEAR}?"), _on_day),
    (_form(rf"{_MONTH}\s+(?:the\s+)?{_DAY}{_IN_YEAR}?"), _on_day),
    (_form(rf"{_WHICH}\s+{_MONTH}"), _in_which_month),
    (_form(rf"{_MONTH}(?:{_IN_YEAR})"), _in_month),
    # "May" and "march" are words too: alone they are months only behind one of these.
    (_form(rf"{_IN}{_MONTH}"), _in_month),
    (_form(rf"{_SEASON}{_IN_YEAR}"), _in_season),
    (_form(rf"(?:{_WHICH}\s+|{_IN}(?:the\s+)?){_SEASON}"), _in_season),
    (_form(r"(?:in|during|of|since|year)\s+(?P<year>(?:19|20)\d\d)"), _in_year),
    (_form(rf"(?:a\s+)?{_NUMBER}\s+{_UNIT}\s+{_BACK}"), _ago),
    (_form(rf"{_WHICH}\s+(?P<unit>weekend|week|month|year)"), _which_unit),
    (_form(r"(?P<word>day before yesterday|yesterday|today|tomorrow)"), _named_day),
    (_form(rf"(?:{_WHICH}\s+|on\s+)(?P<weekday>{'|'.join(_DAYS)})"), _weekday),
)


def _iso(match: re.Match[str]) -> Span:
    first = date(int(match["year"]), int(match["month"]), int(match["day"]))
    return _span(first, 1, CERTAIN)
