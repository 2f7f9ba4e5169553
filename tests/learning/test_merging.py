"""Merging two instances equals one that saw everything."""

from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.learning.desk import counts, observed, temporary
from tmws_mcp.learning.merging import Place, merged, totals
from tmws_mcp.store import carrying
from tmws_mcp.store.carrying import COLUMNS, Carried
from tmws_mcp.store.driver import Connection

Told = list[tuple[int, list[tuple[str, bool]]]]
"""For each session: which instance saw it, and its steps."""
STEPS = st.lists(st.tuples(st.sampled_from(("read", "edit", "test")), st.booleans()), max_size=6)
SESSIONS = st.lists(st.tuples(st.integers(0, 1), STEPS), min_size=1, max_size=6)
OWN = "kind NOT IN ('trust', 'calibration')"
"""Those count our own forecasts, which differ where less was known."""


class State(NamedTuple):
    gen: int
    seq: int
    n: int
    ok: int


def tell(db: Connection, number: int, steps: list[tuple[str, bool]]) -> None:
    task = f"fix module {number % 2}"
    for tool, ok in steps:
        observed(
            db, session_id=f"s{number}", tool_used=tool, success=ok, task=task,
            error="" if ok else "no such file: '/x'", method=f"m{number % 2}", execution_time=1,
        )  # fmt: skip
    observed(db, session_id=f"s{number}", outcome="success" if number % 3 else "failure")


def slots(db: Connection) -> dict[Place, State]:
    rows = db.rows(
        f"SELECT kind, key, action, actor, gen, seq, n, 0 FROM context WHERE {OWN} "
        f"UNION ALL SELECT kind, key, action, actor, gen, seq, n, ok FROM outcome"
    )
    return {(kind, key, action, actor): State(*state) for kind, key, action, actor, *state in rows}


@settings(max_examples=15, deadline=None)
@given(told=SESSIONS)
def test_two_instances_merged_equal_one_that_saw_everything(told: Told) -> None:
    with temporary() as one, temporary() as other, temporary() as whole:
        for number, (place, steps) in enumerate(told):
            tell((one, other)[place], number, steps)
            tell(whole, number, steps)
        mine, theirs, everything = slots(one), slots(other), slots(whole)

    met = merged(mine, theirs)

    assert totals(met.items()) == totals(everything.items())
    assert sum(slot.ok for slot in met.values()) == sum(slot.ok for slot in everything.values())
    assert met == merged(theirs, mine) == merged(met, theirs, mine, met)


@settings(max_examples=10, deadline=None)
@given(told=SESSIONS)
def test_a_store_that_takes_slots_in_holds_what_the_pure_merge_says(told: Told) -> None:
    columns = ", ".join(COLUMNS)
    with temporary() as one, temporary() as other, temporary() as whole:
        for number, (place, steps) in enumerate(told):
            tell((one, other)[place], number, steps)
            tell(whole, number, steps)
        observed(one, session_id="end", outcome="success")  # a namespace, if it saw nothing
        for _ in range(2):
            for row in other.rows(f"SELECT {columns} FROM outcome"):
                carrying.take_slot(one, 1, Carried(*row))
        met = one.rows(
            "SELECT kind, key, action, sum(n), sum(ok) FROM outcome GROUP BY 1, 2, 3 ORDER BY 1,2,3"
        )
        everything = counts(whole)[1]

    assert met == [(kind, key, action, n, ok) for kind, key, action, n, ok, *_ in everything]


def test_the_newer_state_of_a_slot_wins_whatever_the_order() -> None:
    place = ("tool", "", "read", "feed")
    old, new, changed = State(0, 7, 3, 3), State(0, 9, 5, 4), State(1, 2, 5, 4)

    assert merged({place: old}, {place: new})[place] == new
    assert merged({place: new}, {place: old})[place] == new
    assert merged({place: new}, {place: changed})[place] == changed
