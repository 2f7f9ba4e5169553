"""Slots of many instances as one slot: pure. What a bridge (bridge.py) tells of a group.

The sum of totals is a total again, so that an aggregate is a slot like any other. It says how many
instances stand behind it, since a cap on one instance's weight is no cap on fifty.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import msgspec

from tmws_mcp.federation import bodies
from tmws_mcp.federation.bodies import About, Followed
from tmws_mcp.federation.slots import CONTEXT, OUTCOME, TASK
from tmws_mcp.federation.wire import BODY_BYTES_MAX

SUMMED = (
    "n", "ok", "tokens", "metered", "before_n", "before_ok", "outside_n", "outside_ok", "actors",
)  # fmt: skip
NEWEST = ("day", "epoch", "changed")


def summed(kind: bytes, told: Sequence[bytes]) -> bytes:
    """Return the body that says what these bodies of one thing say together; at least one."""
    assert told
    return SUMS[kind](told)


def _counts(told: Sequence[bytes]) -> bytes:
    every = [bodies.counts(body) for body in told]
    durations: Counter[int] = Counter()
    for one in every:
        durations.update(one.durations)
    return bodies.encode(
        msgspec.structs.replace(
            every[0],
            **{name: sum(getattr(one, name) for one in every) for name in SUMMED},
            **{name: max(getattr(one, name) for one in every) for name in NEWEST},
            durations=dict(sorted(durations.items())[: bodies.BUCKETS_MAX]),
            about=next((one.about for one in every if one.about), []),
        )
    )


def _followed(told: Sequence[bytes]) -> bytes:
    return bodies.encode(Followed(sum(bodies.followed(body).n for body in told)))


def _about(told: Sequence[bytes]) -> bytes:
    """Of runs the newest are told, as an instance does of its own."""
    every = [bodies.about(body) for body in told]
    runs = sorted((run for one in every for run in one.runs), key=lambda run: run.day)
    newest = runs[-bodies.RUNS_MAX :]
    made = About(every[0].words, newest, max(one.day for one in every))
    while newest and len(bodies.encode(made)) > BODY_BYTES_MAX:
        newest = newest[1:]
        made = About(every[0].words, newest, made.day)
    return bodies.encode(made)


SUMS: Mapping[bytes, Callable[[Sequence[bytes]], bytes]] = {
    OUTCOME: _counts,
    CONTEXT: _followed,
    TASK: _about,
}
