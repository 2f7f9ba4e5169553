"""What kind of thing a memory's text says, as bits that are stored beside it.

A question for a time is answered by a text that has one, a question for a number by a number: the
expected type of the answer, as question answering has ranked passages since TREC-8 (Voorhees and
Tice, 2000). The texts are looked at once, when they are written; a query looks at the bits.
"""

import re
from enum import IntFlag

LOOKED_AT_CHARS_MAX = 4_000
"""A longer text has a time and a number anyway."""


class Trait(IntFlag):
    """One bit each."""

    ASKS = 1
    TIME = 2
    NUMBER = 4


_TIME = re.compile(
    r"\b(yesterday|today|tonight|tomorrow|last|next|ago|recently|since|weekend|weeks?|months?|years?"
    r"|this (week|month|year|morning|afternoon|evening|spring|summer|fall|autumn|winter)"
    r"|(mon|tues|wednes|thurs|fri|satur|sun)day|january|february|march|april|june|july|august"
    r"|september|october|november|december|(19|20)\d\d)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"\b(\d+|one|two|three|four|five|six|seven|eight|nine|ten|twice|once|couple|several|dozen"
    r"|hundred)\b",
    re.IGNORECASE,
)
_FOR_A_TIME = re.compile(
    r"^\W*(when|what (time|date|day|month|year)|which (year|month|day)|how long|since when)\b",
    re.IGNORECASE,
)
_FOR_A_NUMBER = re.compile(r"\bhow (many|much|old|often|long)\b", re.IGNORECASE)
_ASKS = re.compile("[?\uff1f]\\W*$")


def traits(content: str) -> Trait:
    """Return what a text has: a question at its end, a time, a number.

    >>> traits("We moved two years ago, in May. And you?")
    <Trait.ASKS|TIME|NUMBER: 7>
    """
    text = content[:LOOKED_AT_CHARS_MAX]
    found = Trait(0)
    if _ASKS.search(content[-LOOKED_AT_CHARS_MAX:]):
        found |= Trait.ASKS
    if _TIME.search(text):
        found |= Trait.TIME
    if _NUMBER.search(text):
        found |= Trait.NUMBER
    return found


def wanted(query: str) -> Trait:
    """Return what an answer to a query must have.

    >>> wanted("When did she move?"), wanted("How many dogs?"), wanted("Where is it?")
    (<Trait.TIME: 2>, <Trait.NUMBER: 4>, <Trait: 0>)
    """
    found = Trait(0)
    if _FOR_A_TIME.search(query):
        found |= Trait.TIME
    if _FOR_A_NUMBER.search(query):
        found |= Trait.NUMBER
    return found
