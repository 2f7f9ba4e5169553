"""Each expert by itself, and the blend without one of them."""

from collections.abc import Mapping
from itertools import takewhile
from math import fsum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.learning.desk import observed, temporary
from tmws_mcp.learning import blend, view
from tmws_mcp.learning.case import Case
from tmws_mcp.learning.experts import (
    EXPERTS,
    after_error,
    agenda,
    names,
    ngram,
    place,
    recovery,
    repeat,
    session,
    similar,
    skip,
    task,
    usage,
    vocabulary,
)
from tmws_mcp.learning.intake import failed_step
from tmws_mcp.learning.neighbours import nearest
from tmws_mcp.learning.view import Shelf, View
from tmws_mcp.learning.weights import Weights, first_weights
from tmws_mcp.learning.words import stems, task_key
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.observations import Step
from tmws_mcp.store.tasks import Run, word_key


def done(*tools: str) -> tuple[Step, ...]:
    return tuple(Step(tool, ok=True) for tool in tools)


def ran(db: Connection, name: str, *tools: str, about: str = "") -> None:
    for tool in tools:
        observed(db, session_id=name, tool_used=tool, task=about)
    observed(db, session_id=name, outcome="success")


def likely(shares: object) -> str:
    assert isinstance(shares, Mapping)
    return max(shares, key=lambda tool: (shares[tool], tool))


def test_repeat_expects_the_last_tool(db: Connection) -> None:
    judged = repeat.judge(View(db, 1), Case(1, "next", done("a", "b")), ("a", "b"))

    assert judged["again"] == {"b": 1.0}


def test_session_expects_what_followed_before_in_it(db: Connection) -> None:
    case = Case(1, "next", done("a", "b", "c", "a", "b", "c", "a"))

    assert likely(session.foresee(View(db, 1), case).shares) == "b"


def test_ngram_expects_what_followed_elsewhere(db: Connection) -> None:
    for number in range(4):
        ran(db, f"s{number}", "a", "b", "c")

    forecast = ngram.foresee(View(db, 1), Case(1, "next", done("a", "b")))

    assert likely(forecast.shares) == "c"
    assert forecast.reach == 3  # the beginning, a, b


def test_ngram_backs_off_to_what_it_knows(db: Connection) -> None:
    for number in range(4):
        ran(db, f"s{number}", "a", "b", "c")

    forecast = ngram.foresee(View(db, 1), Case(1, "next", done("new", "b")))

    assert likely(forecast.shares) == "c"
    assert forecast.reach == 1


def test_recovery_backs_off_from_template_to_class_to_tool(db: Connection) -> None:
    for error, repair in (("no such file: 'a'", "list"), ("syntax error", "fix")):
        observed(db, session_id=repair, tool_used="run", success=False, error=error)
        observed(db, session_id=repair, tool_used=repair)
    asked = {
        "no such file: 'b'": ("list", 3),
        "file does not exist": ("list", 2),
        "the moon is wrong": ("list", 1),
    }
    for error, (tool, reach) in asked.items():
        forecast = recovery.foresee(View(db, 1), Case(1, "recover", (failed_step("run", error),)))
        assert (likely(forecast.shares), forecast.reach) == (tool, reach)


def test_recovery_is_silent_where_nothing_failed(db: Connection) -> None:
    assert not recovery.foresee(View(db, 1), Case(1, "next", done("a"))).shares


def test_task_expects_what_worked_on_it(db: Connection) -> None:
    observed(db, task="Build It", tool_used="make")
    observed(db, task="build  it", tool_used="guess", success=False)

    assert task.foresee(View(db, 1), Case(1, "next", task=task_key("BUILD it"))).shares == {
        "make": 0.4
    }


def test_similar_expects_the_next_step_of_tasks_alike(db: Connection) -> None:
    ran(db, "a", "open", "read", "close", about="read the report on sales")
    ran(db, "b", "open", "write", "close", about="paint the garden fence")
    near = nearest(db, 1, "read the report on costs")

    case = Case(1, "next", done("open"), near=tuple((one.task, one.similarity) for one in near))

    assert likely(similar.foresee(View(db, 1), case).shares) == "read"


STEPS = st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=6)


@given(runs=st.lists(STEPS, min_size=1, max_size=5), seen=STEPS)
def test_runs_made_ready_vote_like_runs_looked_through(
    runs: list[list[tuple[str, bool]]], seen: list[tuple[str, bool]]
) -> None:
    """To the last digit, whatever order a sum of floats depends on."""
    past, votes, last = similar.Past(), dict[str, float](), seen[-similar.SUFFIX_MAX :]
    for number, steps in enumerate(runs):
        weight = 0.1 + 0.3 * number
        past.add(Run(tuple(steps), "success", 0.0), weight)
        for at, (tool, _) in enumerate(steps):
            common = _in_common(steps[:at], last)
            if common or not (last or at):
                power = similar.VOTE_EACH_STEP ** max(common - 1, 0)
                votes[tool] = votes.get(tool, 0.0) + weight * similar.VOTE_OF_STEP * power
        for tool in {tool for tool, _ in steps}:
            votes[tool] = votes.get(tool, 0.0) + weight * similar.VOTE_OF_USE

    total = fsum(votes.values())
    expected = {tool: vote / total for tool, vote in votes.items()} if total else {}
    assert similar.voted(past, tuple(last)).shares == expected


def _in_common(steps: list[tuple[str, bool]], seen: list[tuple[str, bool]]) -> int:
    pairs = zip(reversed(steps), reversed(seen), strict=False)
    return len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))


def test_names_expects_a_tool_named_like_the_task(db: Connection) -> None:
    case = Case(
        1,
        "next",
        available=("get_weather", "send_mail"),
        words=stems("what is the weather in Rome"),
    )

    assert names.foresee(View(db, 1), case).shares == {"get_weather": 1.0}


def test_names_expects_a_tool_named_like_the_error(db: Connection) -> None:
    failed = failed_step("run", "use list_files instead of a shell")
    case = Case(1, "next", (failed,), available=("list_files", "send_mail"))

    judged = names.judge(View(db, 1), case, case.available)

    assert likely(judged["named_by_error"]) == "list_files"


def test_words_make_the_tools_of_such_tasks_likelier(db: Connection) -> None:
    for number in range(3):
        ran(db, f"w{number}", "get_weather", about=f"weather in city number {number}")
        ran(db, f"m{number}", "send_mail", about=f"letter to friend number {number}")
    case = Case(1, "next", words=stems("the weather of tomorrow"))

    judged = vocabulary.judge(View(db, 1), case, ("get_weather", "send_mail"))["task_words"]

    assert judged["get_weather"] > 0 > judged["send_mail"]


def test_a_run_counts_once_for_each_of_its_tools(db: Connection) -> None:
    ran(db, "s", "read", "read", "edit", "read", about="letters")

    counted = db.rows(
        "SELECT action, n FROM context WHERE kind = 'task_word' AND key = ? ORDER BY action",
        (word_key("letter"),),
    )
    assert counted == [("", 1), ("edit", 1), ("read", 1)]


def test_skip_overlooks_how_often_a_tool_was_repeated(db: Connection) -> None:
    for number in range(3):
        ran(db, f"s{number}", "read", "read", "read", "read", "edit")

    forecast = skip.foresee(View(db, 1), Case(1, "next", done(*["read"] * 7)))

    assert forecast.reach > 0
    assert set(forecast.shares) == {"read", "edit"}


def test_agenda_expects_what_such_runs_did_and_this_one_has_not_done_yet(db: Connection) -> None:
    about = "book a flight to Rome"
    for number in range(3):
        ran(db, f"s{number}", "search", "book", "pay", "mail", about=about)
    near = tuple((one.task, one.similarity) for one in nearest(db, 1, about))

    def shares(*tools: str) -> Mapping[str, float]:
        return agenda.foresee(View(db, 1), Case(1, "next", done(*tools), near=near)).shares

    assert likely(dict(shares("book", "search"))) == "pay"
    assert shares("search") == pytest.approx({"book": 4 / 7, "pay": 2 / 7, "mail": 1 / 7})
    assert not shares("search", "book", "pay", "mail")


def test_what_is_named_by_the_task_is_told_apart_once_it_was_used(db: Connection) -> None:
    ran(db, "s", "send_mail", "read_mail")
    case = Case(1, "next", done("send_mail"), words=stems("read and send the mail"))

    judged = names.judge(View(db, 1), case, ("send_mail", "read_mail"))

    assert set(judged["named_by_task"]) == {"send_mail", "read_mail"}
    assert set(judged["named_by_task_unused"]) == {"read_mail"}


def test_after_error_expects_what_was_done_though_it_failed(db: Connection) -> None:
    observed(db, session_id="s", tool_used="run", success=False, error="no such file: 'a'")
    observed(db, session_id="s", tool_used="list", success=False, error="denied")
    observed(db, session_id="s", outcome="failure")
    case = Case(1, "next", (failed_step("run", "no such file: 'b'"),))

    assert likely(after_error.foresee(View(db, 1), case).shares) == "list"


def test_place_knows_the_next_of_the_list(db: Connection) -> None:
    case = Case(1, "next", done("b"), available=("a", "b", "c"))

    judged = place.judge(View(db, 1), case, case.available)

    assert judged["listed_next"] == {"c": 1.0}
    assert judged["listed_first"] == {"a": 1.0}


def test_usage_tells_what_the_session_did_lately(db: Connection) -> None:
    judged = usage.judge(View(db, 1), Case(1, "next", done("a", "b", "a", "c")), ("a", "b", "d"))

    assert judged["recent"]["a"] > judged["recent"]["b"]
    assert judged["unused"] == {"d": 1.0}


@pytest.mark.parametrize("left_out", sorted(EXPERTS))
def test_each_expert_can_be_left_out(db: Connection, left_out: str) -> None:
    for number in range(3):
        ran(db, f"s{number}", "a", "b", "c", about="do the thing")
    others = {name: expert for name, expert in EXPERTS.items() if name != left_out}
    case = Case(1, "next", done("a"), task=task_key("do the thing"))

    mixed = blend.blend(View(db, 1), case, Weights(db, 1), others)

    assert not set(EXPERTS[left_out].columns) & set(mixed.board.columns)
    assert sum(mixed.shares.values()) == pytest.approx(1)


def test_weights_move_towards_who_foresaw_the_step(db: Connection) -> None:
    case = Case(1, "next", done("a"))
    before = Weights(db, 1).of(("any",)).get("again", 0.0)
    for number in range(30):
        ran(db, f"s{number}", "a", "a", "a", "a", "b")

    mixed = blend.blend(View(db, 1), case, Weights(db, 1))

    assert mixed.weights["again"] + mixed.weights["again_as_usual"] > before
    assert likely(mixed.shares) == "a"


def test_weights_are_the_same_for_the_same_observations() -> None:
    found = []
    for _ in range(2):
        with temporary() as db:
            for number in range(3):
                ran(db, f"s{number}", "a", "b", "c", about="do the thing")
            found.append(db.rows("SELECT * FROM blend ORDER BY situation"))

    assert found[0] == found[1] != []


def test_a_thousand_available_tools_are_not_all_judged(db: Connection) -> None:
    ran(db, "s", "tool999", about="do the thing")
    case = Case(1, "next", available=tuple(f"tool{number}" for number in range(1_000)))

    judged = blend.board(View(db, 1), case).tools

    assert len(judged) == blend.TOOLS_MAX
    assert judged[0] == "tool999"


def test_a_view_sees_what_was_counted_since_it_was_made(db: Connection) -> None:
    shelf = Shelf()
    ran(db, "s0", "a", "b")
    before = ngram.totals(View(db, 1, shelf))["a"]
    ran(db, "s1", "a", "b")

    assert ngram.totals(View(db, 1, shelf))["a"] == before + 1


def test_a_full_shelf_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view, "ENTRIES_MAX", 2)
    shelf = Shelf()
    entries = shelf.entries(1, 0)
    entries.made.update({"a": 1, "b": 2})

    assert len(shelf.entries(1, 0)) == 0


def test_what_ships_is_of_known_columns() -> None:
    known = {column for expert in EXPERTS.values() for column in expert.columns}

    assert {column for row in first_weights().values() for column in row} <= known
