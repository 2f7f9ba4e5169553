"""What slots hold: typed arrays, and nothing that is not in these types can leave an instance."""

from typing import Annotated, Literal

import msgspec

from tmws_mcp.federation.slots import CONTEXT, OUTCOME, TASK
from tmws_mcp.federation.wire import SEQ_MAX, UNREADABLE
from tmws_mcp.model.federation import Slot

Count = Annotated[int, msgspec.Meta(ge=0, lt=SEQ_MAX)]
Bucket = Annotated[int, msgspec.Meta(ge=-1_000, le=1_000)]
"""Of a duration, below 0 for less than a second (learning/durations.py)."""
Day = Annotated[int, msgspec.Meta(ge=0, lt=1_000_000)]
"""Days since 1970: exact times stay at home."""
Word = Annotated[str, msgspec.Meta(max_length=200)]
Name = Annotated[str, msgspec.Meta(max_length=80)]
Ending = Literal["success", "failure", "unknown"]
BUCKETS_MAX = 400
ACTORS_MAX = 100_000
ABOUT_MAX = 70
WORDS_MAX = 64
RUNS_MAX = 12
STEPS_MAX = 120


class Counts(msgspec.Struct, array_like=True, frozen=True):
    """How well something went, as one actor counted it: the totals of its row of evidence."""

    n: Count
    ok: Count
    tokens: Count
    metered: Count
    durations: dict[Bucket, Count]
    day: Day
    epoch: Count = 0
    before_n: Count = 0
    before_ok: Count = 0
    changed: Day = 0
    outside_n: Count = 0
    outside_ok: Count = 0
    about: Annotated[list[Word], msgspec.Meta(max_length=ABOUT_MAX)] = []
    """What the counts are of, in the words of learning/sharing.py; empty while they are thin."""
    actors: Annotated[int, msgspec.Meta(ge=1, le=ACTORS_MAX)] = 1
    """How many instances have counted this together: a bridge tells of its group (bridge.py)."""


class Followed(msgspec.Struct, array_like=True, frozen=True):
    """How often something followed a context."""

    n: Count


class Done(msgspec.Struct, array_like=True, frozen=True):
    """A run for a task."""

    outcome: Ending
    day: Day
    steps: Annotated[list[tuple[Name, bool]], msgspec.Meta(max_length=STEPS_MAX)]


class About(msgspec.Struct, array_like=True, frozen=True):
    """A task without its text: fingerprints of its words, and what was done for it."""

    words: Annotated[dict[Name, Count], msgspec.Meta(max_length=WORDS_MAX)]
    runs: Annotated[list[Done], msgspec.Meta(max_length=RUNS_MAX)]
    day: Day


encode = msgspec.msgpack.Encoder().encode
counts = msgspec.msgpack.Decoder(Counts).decode
followed = msgspec.msgpack.Decoder(Followed).decode
about = msgspec.msgpack.Decoder(About).decode


def is_sound(slot: Slot) -> bool:
    """Tell whether a slot's body can be read, and could have been counted."""
    try:
        match slot.key[:1]:
            case kind if kind == OUTCOME:
                return _could_be(counts(slot.body))
            case kind if kind == CONTEXT:
                return followed(slot.body).n >= 0
            case kind if kind == TASK:
                return len(about(slot.body).words) <= WORDS_MAX
    except UNREADABLE:
        return False
    return False


def _could_be(found: Counts) -> bool:
    return (
        found.ok <= found.n
        and found.before_ok <= found.before_n <= found.n
        and found.before_ok <= found.ok
        and found.outside_ok <= found.outside_n <= found.n
        and found.metered <= found.n
        and len(found.durations) <= BUCKETS_MAX
    )


def left(slot: Slot, base: Slot | None) -> bytes | None:
    """Return what was counted since the base, None if nothing was: see fork.py."""
    if base is None or not base.body:
        return slot.body
    if slot.key[:1] == CONTEXT:
        more = followed(slot.body).n - followed(base.body).n
        return encode(Followed(more)) if more > 0 else None
    if slot.key[:1] == OUTCOME:
        return _counts_left(counts(slot.body), counts(base.body))
    return slot.body


def _counts_left(now: Counts, then: Counts) -> bytes | None:
    if now.n <= then.n:
        return None
    n, ok = now.n - then.n, max(0, now.ok - then.ok)
    durations = {
        bucket: times - then.durations.get(bucket, 0)
        for bucket, times in now.durations.items()
        if times > then.durations.get(bucket, 0)
    }
    # A change for the worse is noticed anew: what was before it stays with the old actor.
    return encode(
        Counts(
            n,
            min(ok, n),
            max(0, now.tokens - then.tokens),
            min(n, max(0, now.metered - then.metered)),
            durations,
            now.day,
            outside_n=min(n, max(0, now.outside_n - then.outside_n)),
            outside_ok=min(n, max(0, now.outside_ok - then.outside_ok)),
            about=now.about,
        )
    )
