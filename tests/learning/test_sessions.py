"""What comes in: sessions, repeats, late steps, batches, and what is never kept."""

from collections import Counter
from itertools import pairwise, permutations
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.learning.desk import Desk, counts, observed, temporary
from tmws_mcp.errors import InvalidInput
from tmws_mcp.learning import sessions, text
from tmws_mcp.learning.view import Shelf
from tmws_mcp.learning.words import fingerprint
from tmws_mcp.store import evidence, observations
from tmws_mcp.store.driver import Connection

NOW = 1_790_000_000.0
TOTALS = fingerprint()
TOOLS = st.sampled_from(["read", "edit", "test", "search"])


@st.composite
def steps(draw: st.DrawFn, session: str) -> list[dict[str, object]]:
    done = draw(st.lists(st.tuples(TOOLS, st.booleans()), min_size=1, max_size=8))
    told: list[dict[str, object]] = [
        {
            "session_id": session,
            "step": number,
            "task": f"work of {session}",
            "tool_used": tool,
            "success": ok,
            "error": "" if ok else f"no such file: '{session}'",
        }
        for number, (tool, ok) in enumerate(done)
    ]
    return [*told, {"session_id": session, "outcome": "success"}]


@settings(max_examples=25, deadline=None)
@given(first=steps("a"), second=steps("b"), picks=st.lists(st.booleans(), max_size=20))
def test_sessions_may_interleave_in_any_way(
    first: list[dict[str, object]], second: list[dict[str, object]], picks: list[bool]
) -> None:
    with temporary() as db:
        for told in first + second:
            observed(db, **told)
        apart = counts(db)
    with temporary() as db:
        left, right = list(first), list(second)
        for pick in picks:
            if pick and left:
                observed(db, **left.pop(0))
            elif right:
                observed(db, **right.pop(0))
        for told in left + right:
            observed(db, **told)
        mixed = counts(db)

    assert mixed == apart


@settings(max_examples=25, deadline=None)
@given(told=steps("a"), data=st.data())
def test_a_repeated_step_changes_nothing(
    told: list[dict[str, object]], data: st.DataObject
) -> None:
    with temporary() as db:
        for one in told:
            observed(db, **one)
        once = counts(db), db.rows("SELECT value FROM meta WHERE key = 'seq'")
        repeated = data.draw(st.lists(st.sampled_from(told), max_size=6))

        replies = [observed(db, **one) for one in repeated]

        assert [reply.observed for reply in replies] == [0] * len(repeated)
        assert (counts(db), db.rows("SELECT value FROM meta WHERE key = 'seq'")) == once


@settings(max_examples=20, deadline=None)
@given(told=st.lists(st.tuples(TOOLS, st.booleans()), min_size=1, max_size=12))
def test_success_counts_equal_a_recount_of_the_steps(told: list[tuple[str, bool]]) -> None:
    with temporary() as db:
        for tool, ok in told:
            observed(db, tool_used=tool, success=ok, task="t")
        tools = {
            tool: (n, ok)
            for tool, n, ok in db.rows("SELECT action, n, ok FROM outcome WHERE kind = 'tool'")
        }

    assert tools == {
        name: (
            sum(tool == name for tool, _ in told),
            sum(tool == name and ok for tool, ok in told),
        )
        for name in {tool for tool, _ in told}
    }


def test_without_a_step_number_a_repeat_counts_as_new(db: Connection) -> None:
    replies = [observed(db, tool_used="read", session_id="s") for _ in range(2)]

    assert [reply.observed for reply in replies] == [1, 1]


def test_late_steps_are_put_where_they_belong(db: Connection) -> None:
    for number in (0, 2, 1):
        observed(db, session_id="s", step=number, tool_used=f"tool{number}", task="t")
    observed(db, session_id="s", outcome="success")

    assert db.rows("SELECT steps FROM run") == [('[["tool0",true],["tool1",true],["tool2",true]]',)]


def test_a_step_after_the_end_of_its_run_still_joins_it(db: Connection) -> None:
    for number in (0, 2):
        observed(db, session_id="s", step=number, tool_used=f"tool{number}", task="t")
    observed(db, session_id="s", outcome="success")

    late = observed(db, session_id="s", step=1, tool_used="tool1", task="t")

    assert late.observed == 1
    assert db.rows("SELECT steps FROM run") == [('[["tool0",true],["tool1",true],["tool2",true]]',)]
    assert db.rows("SELECT count(*) FROM step WHERE counted = 0") == [(0,)]


def test_contexts_wait_for_the_end_of_the_run(db: Connection) -> None:
    observed(db, tool_used="read", task="t")
    before = counts(db)[0]
    observed(db, outcome="success")

    assert before == []
    assert counts(db)[0] != []


def test_an_idle_session_is_closed_and_a_new_run_begins(db: Connection) -> None:
    observed(db, now=NOW, tool_used="read", task="t")

    assert sessions.close_idle(db, NOW + sessions.IDLE_SECONDS - 1) == 0
    assert sessions.close_idle(db, NOW + sessions.IDLE_SECONDS + 1) == 1
    assert sessions.close_idle(db, NOW + sessions.IDLE_SECONDS + 1) == 0
    assert db.rows("SELECT outcome FROM run") == [("unknown",)]


def test_a_step_after_a_long_silence_begins_a_new_run(db: Connection) -> None:
    observed(db, now=NOW, tool_used="read", task="t")
    observed(db, now=NOW + sessions.IDLE_SECONDS + 1, tool_used="edit", task="t")

    assert db.rows("SELECT run, tool FROM step ORDER BY id") == [(0, "read"), (1, "edit")]


def test_a_connection_ends_its_own_session_alone(db: Connection) -> None:
    observed(db, tool_used="read")
    observed(db, tool_used="read", session_id="named")

    assert sessions.end_connection(db, "another", NOW) == 0
    assert sessions.end_connection(db, "c", NOW) == 1
    assert sessions.end_connection(db, "c", NOW) == 0
    open_ones = db.rows("SELECT name FROM session WHERE ended_at IS NULL")
    assert open_ones == [("named",)]


def test_an_interaction_that_says_nothing_is_refused_with_what_to_send(db: Connection) -> None:
    with pytest.raises(InvalidInput, match=r"tool_used.*method.*task.*outcome"):
        observed(db, success=True, error="boom")

    assert db.rows("SELECT count(*) FROM step") == [(0,)]


def test_one_bad_interaction_of_a_batch_changes_nothing(db: Connection) -> None:
    with pytest.raises(InvalidInput):
        observed(db, interactions=[{"tool_used": "read"}, {"error": "boom"}])

    assert counts(db) == ([], [])


def test_outer_fields_are_defaults_of_the_inner_ones(db: Connection) -> None:
    reply = observed(
        db,
        session_id="s",
        task="build it",
        outcome="success",
        interactions=[{"tool_used": "read"}, {"tool_used": "edit", "session_id": "other"}],
    )

    assert reply.observed == 2
    assert reply.session_id == "other"
    ended = db.rows("SELECT name, outcome FROM session ORDER BY name")
    assert ended == [("other", "success"), ("s", None)]
    assert db.rows("SELECT DISTINCT text FROM task") == [("build it",)]


def test_a_task_without_a_tool_counts_as_the_tasks_outcome(db: Connection) -> None:
    reply = observed(db, task="process_data", execution_time=1.5, success=True)

    assert reply.observed == 1
    assert db.rows("SELECT kind, n, ok FROM outcome") == [("task", 1, 1)]


def test_a_repeated_end_does_not_end_the_next_run(db: Connection) -> None:
    last = {"session_id": "s", "step": 1, "tool_used": "test", "task": "t", "outcome": "success"}
    observed(db, **last)
    observed(db, session_id="s", step=2, tool_used="read", task="t")

    assert observed(db, **last).observed == 0
    assert db.rows("SELECT run, ended_at FROM session") == [(1, None)]


def test_an_outcome_sent_again_with_the_last_step_ends_the_run(db: Connection) -> None:
    observed(db, session_id="s", step=1, tool_used="test", task="t")

    told = observed(db, session_id="s", step=1, tool_used="test", task="t", outcome="success")

    assert told.observed == 1
    assert db.rows("SELECT outcome FROM run") == [("success",)]
    assert db.rows("SELECT n FROM outcome WHERE kind = 'tool'") == [(1,)]


def test_a_numbered_end_without_a_tool_counts_once(db: Connection) -> None:
    end = {"session_id": "s", "step": 7, "task": "process_data", "outcome": "failure"}

    replies = [observed(db, **end).observed for _ in range(3)]

    assert replies == [1, 0, 0]
    assert db.rows("SELECT n, ok FROM outcome WHERE kind = 'task'") == [(1, 0)]


def test_a_repeat_moves_no_learned_pattern(db: Connection) -> None:
    for number in range(6):
        method = {"method": f"m{number % 2}", "execution_time": 1.0 + 9 * (number % 2)}
        observed(db, session_id="s", step=number, task="t", **method)
    before = db.rows("SELECT * FROM learned WHERE kind = 'performance'")

    again = observed(db, NOW + 99, session_id="s", step=5, task="t", method="m1", execution_time=10)

    assert before
    assert again.learned == ()
    assert db.rows("SELECT * FROM learned WHERE kind = 'performance'") == before


def test_blank_names_are_none(db: Connection) -> None:
    reply = observed(db, session_id="  ", tool_used=" ", task="t", outcome="failure")

    assert reply.session_id == "connection:c"
    assert db.rows("SELECT kind, n, ok FROM outcome") == [("task", 1, 0)]


def test_a_flood_of_ends_makes_room_for_itself(
    db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "PRUNED_EACH", 10)
    monkeypatch.setattr(evidence, "OUTCOME_ROWS_MAX", 20)
    for number in range(200):
        observed(db, NOW + number, task=f"task {number}", outcome="success")

    assert db.rows("SELECT count(*) <= 30 FROM outcome") == [(1,)]


@pytest.mark.anyio
async def test_secrets_never_reach_the_store(desk: Desk, tmp_path: Path) -> None:
    secret = "sk-ant-api03-" + "Ab3dEf6hIj9k" * 4
    await desk.observe(
        task=f"call with {secret}",
        turn=f"my key is {secret}",
        tool_used=f"curl {secret}",
        success=False,
        error=f"401 for {secret}",
        recovery_action=f"retry {secret}",
        method=f"method {secret}",
        session_id=f"session {secret}",
        arguments={"key": secret},
        metadata={"key": secret},
        available_tools=[secret],
    )
    await desk.observe(session_id=f"session {secret}", outcome="success")

    written = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"Ab3dEf6hIj9k" not in written


def test_the_ring_of_steps_keeps_the_newest(
    db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observations, "STEPS_MAX", 4)
    monkeypatch.setattr(observations, "STEPS_PRUNED_EACH", 2)
    kept = []
    for number in range(8):
        observed(db, tool_used=f"tool{number}")
        kept.append([tool[4:] for (tool,) in db.rows("SELECT tool FROM step ORDER BY id")])

    assert [len(some) for some in kept] == [1, 2, 3, 3, 4, 3, 4, 3]
    assert kept[-1] == ["5", "6", "7"]


def test_each_changed_slot_takes_a_sequence_number_of_its_own(db: Connection) -> None:
    for tool in ("read", "edit", "read"):
        observed(db, tool_used=tool, task="t")
    observed(db, outcome="success")

    taken = [seq for (seq,) in db.rows("SELECT seq FROM context UNION ALL SELECT seq FROM outcome")]
    (last,) = db.rows("SELECT value FROM meta WHERE key = 'seq'")[0]
    assert len(set(taken)) == len(taken)
    assert max(taken) == int(last)


def test_a_batch_counts_like_its_interactions_one_by_one() -> None:
    told = [
        {"tool_used": "read", "task": "t", "session_id": "s"},
        {"tool_used": "edit", "task": "t", "session_id": "s", "success": False, "error": "no"},
        {"tool_used": "read", "task": "t", "session_id": "s"},
        {"session_id": "s", "outcome": "success"},
    ]
    with temporary() as db:
        for one in told:
            observed(db, **one)
        apart = counts(db)
    with temporary() as db:
        observed(db, interactions=told)
        together = counts(db)

    assert together == apart


def test_counts_of_two_sessions_do_not_depend_on_which_came_first() -> None:
    found = []
    for order in permutations(("x", "y")):
        with temporary() as db:
            for name in order:
                observed(db, session_id=name, tool_used="read", task="t", outcome="success")
            found.append(counts(db))

    assert found[0] == found[1]


def test_a_name_cannot_add_lines_to_a_reply(db: Connection) -> None:
    reply = observed(db, tool_used="read\n2. rm -rf", session_id="s\nOK", task="t\n- obey")

    lines = text.observe_text(reply).splitlines()
    assert [line[:2] for line in lines] == ["Ob", "Le", "- "]


@settings(max_examples=25, deadline=None)
@given(told=steps("a"), order=st.randoms(use_true_random=False))
def test_contexts_equal_a_recount_of_the_log_however_the_steps_came(
    told: list[dict[str, object]], order: Random
) -> None:
    *done, end = told
    shuffled = list(done)
    order.shuffle(shuffled)
    with temporary() as db:
        for one in [*shuffled, end]:
            observed(db, **one)
        counted = dict(
            db.rows("SELECT action, n FROM context WHERE kind = 'ngram' AND key = ?", (TOTALS,))
        )
        pairs = db.rows("SELECT sum(n) FROM context WHERE kind = 'repeat' AND action = 'same'")

    tools = [str(one["tool_used"]) for one in done]
    assert counted == Counter(tools)
    again = sum(one == other for one, other in pairwise(tools))
    assert (pairs[0][0] or 0) == 2 * again  # of this tool, and of any


def test_a_failed_observation_leaves_no_trace_in_what_was_read(db: Connection) -> None:
    shelf = Shelf()
    observed(db, tool_used="a", session_id="s")
    shelf.contexts.promise(1, 99, {"never": "committed"})

    assert len(shelf.entries(1, 99)) == 0
    shelf.confirm()
    assert shelf.entries(1, 99) == {"never": "committed"}
