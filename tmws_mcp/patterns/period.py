"""The time that a recall step is restricted to, out of the words of a query.

What dates the memory ranks by ("last week", "8 May", ISO dates) is read as a limit here, and so are
the open ends that people say: "since Monday", "the last three days", "lately".
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tmws_mcp.memory.language.dates import spans

LATELY_DAYS = 7
UNITS_MAX = 1_000
YEAR_DAYS = 365

_NUMBERS = {"couple of": 2, "few": 3, "several": 7} | {
    word: number
    for number, word in enumerate(("two", "three", "four", "five", "six", "seven"), start=2)
}
_UNIT_SECONDS = {
    "minute": 60,
    "hour": 3_600,
    "day": 86_400,
    "week": 7 * 86_400,
    "month": 30 * 86_400,
    "year": YEAR_DAYS * 86_400,
}
_LAST_UNITS = re.compile(
    rf"\b(?:last|past|previous)\s+(?:(?P<number>\d{{1,4}}|{'|'.join(_NUMBERS)})\s+"
    rf"(?P<unit>{'|'.join(_UNIT_SECONDS)})s?|(?P<one>hour|minute))\b",
    re.IGNORECASE,
)
_LATELY = re.compile(
    r"\b(?:lately|recently|(?:last|past) days|what(?:'s| is) new)\b", re.IGNORECASE
)
_TODAY = re.compile(r"\b(?:this|in the) (?:morning|afternoon|evening)\b", re.IGNORECASE)
_LAST_NIGHT = re.compile(r"\blast (?:night|evening)\b", re.IGNORECASE)
_SINCE = re.compile(
    r"\b(?:since|starting (?:from|on)|from .{1,40}? (?:on|onwards?)\b)", re.IGNORECASE
)
_SINCE_DAY = re.compile(r"\bsince (?=(?:mon|tues|wednes|thurs|fri|satur|sun)day\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time; without an end it reaches to the present."""

    since: datetime | None = None
    until: datetime | None = None


def period(text: str, now: float) -> Period:
    """Return the period that a text names; an unrestricted one where it names none.

    >>> period("what happened in the last 3 days", now=86_400.0 * 10).since.isoformat()
    '1970-01-08T00:00:00+00:00'
    """
    if found := _LAST_UNITS.search(text):
        return _back(found, now)
    if _LATELY.search(text):
        return Period(_moment(now - LATELY_DAYS * 86_400))
    text = _LAST_NIGHT.sub("yesterday", _TODAY.sub("today", text))
    named = spans(_SINCE_DAY.sub("since last ", text), now)
    if not named:
        return Period()
    # Days without a year may be any year's; what was noted lies in the past.
    away = [YEAR_DAYS * 86_400.0 if s.yearly and s.start > now else 0.0 for s in named]
    since = min(span.start - back for span, back in zip(named, away, strict=True))
    if _SINCE.search(text):
        return Period(_moment(since))
    until = max(span.end - back for span, back in zip(named, away, strict=True))
    return Period(_moment(since), _moment(until))


def _back(found: re.Match[str], now: float) -> Period:
    number, unit = (found["number"] or "1").lower(), (found["unit"] or found["one"]).lower()
    count = min(int(number) if number.isdigit() else _NUMBERS[number], UNITS_MAX)
    return Period(_moment(now - count * _UNIT_SECONDS[unit]))


def _moment(seconds: float) -> datetime:
    earliest = datetime(1, 1, 1, tzinfo=UTC)
    try:
        return datetime.fromtimestamp(0, UTC) + timedelta(seconds=seconds)
    except OverflowError:
        return earliest
