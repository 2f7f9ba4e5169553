"""Each expert by itself, and the blend without one of them."""

import pytest

from tests.learning.desk import observed
from tmws_mcp.learning import blend
from tmws_mcp.learning.case import Case
from tmws_mcp.learning.experts import (
    EXPERTS,
    names,
    ngram,
    recovery,
    repeat,
    session,
    similar,
    task,
)
from tmws_mcp.learning.intake import failed_step
from tmws_mcp.learning.neighbours import nearest
from tmws_mcp.learning.words import task_key, words
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.observations import Step


def done(*tools: str) -> tuple[Step, ...]:
    return tuple(Step(tool, ok=True) for tool in tools)


def ran(db: Connection, name: str, *tools: str, about: str = "") -> None:
    for tool in tools:
        observed(db, session_id=name, tool_used=tool, task=about)
    observed(db, session_id=name, outcome="success")


def likely(shares: object) -> str:
    assert isinstance(shares, dict)
    return max(shares, key=lambda tool: (shares[tool], tool))


def test_repeat_expects_the_last_tool(db: Connection) -> None:
    assert repeat.foresee(db, Case(1, "next", done("a", "b"))).shares == {"b": 1.0}


def test_session_expects_what_followed_before_in_it(db: Connection) -> None:
    case = Case(1, "next", done("a", "b", "c", "a", "b", "c", "a"))

    assert likely(session.foresee(db, case).shares) == "b"


def test_ngram_expects_what_followed_elsewhere(db: Connection) -> None:
    for number in range(4):
        ran(db, f"s{number}", "a", "b", "c")

    forecast = ngram.foresee(db, Case(1, "next", done("a", "b")))

    assert likely(forecast.shares) == "c"
    assert forecast.reach == 3  # the beginning, a, b


def test_ngram_backs_off_to_what_it_knows(db: Connection) -> None:
    for number in range(4):
        ran(db, f"s{number}", "a", "b", "c")

    forecast = ngram.foresee(db, Case(1, "next", done("new", "b")))

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
        forecast = recovery.foresee(db, Case(1, "recover", (failed_step("run", error),)))
        assert (likely(forecast.shares), forecast.reach) == (tool, reach)


def test_recovery_is_silent_where_nothing_failed(db: Connection) -> None:
    assert not recovery.foresee(db, Case(1, "next", done("a"))).shares


def test_task_expects_what_worked_on_it(db: Connection) -> None:
    observed(db, task="Build It", tool_used="make")
    observed(db, task="build  it", tool_used="guess", success=False)

    assert task.foresee(db, Case(1, "next", task=task_key("BUILD it"))).shares == {"make": 0.4}


def test_similar_expects_the_next_step_of_tasks_alike(db: Connection) -> None:
    ran(db, "a", "open", "read", "close", about="read the report on sales")
    ran(db, "b", "open", "write", "close", about="paint the garden fence")
    near = nearest(db, 1, "read the report on costs")

    case = Case(1, "next", done("open"), near=tuple((one.task, one.similarity) for one in near))

    assert likely(similar.foresee(db, case).shares) == "read"


def test_names_expects_a_tool_named_like_the_task(db: Connection) -> None:
    case = Case(
        1,
        "next",
        available=frozenset(["get_weather", "send_mail"]),
        words=words("what is the weather in Rome"),
    )

    assert names.foresee(db, case).shares == {"get_weather": 1.0}


@pytest.mark.parametrize("left_out", sorted(EXPERTS))
def test_each_expert_can_be_left_out(db: Connection, left_out: str) -> None:
    for number in range(3):
        ran(db, f"s{number}", "a", "b", "c", about="do the thing")
    others = {name: expert for name, expert in EXPERTS.items() if name != left_out}
    case = Case(1, "next", done("a"), task=task_key("do the thing"))

    mixed = blend.blend(db, case, others)

    assert left_out not in mixed.voices
    assert sum(mixed.weights.values()) == pytest.approx(1)
    assert sum(mixed.shares.values()) <= 1 + 1e-9


def test_credit_goes_to_who_foresaw_the_step(db: Connection) -> None:
    for number in range(30):
        ran(db, f"s{number}", "a", "a", "a", "a")
    case = Case(1, "next", done("a", "a"))

    weights = blend.blend(db, case).weights

    assert weights["repeat"] > EXPERTS["repeat"].weight
    assert weights[blend.SURPRISE] < blend.SURPRISE_WEIGHT


def test_credits_of_a_step_add_up_to_one(db: Connection) -> None:
    ran(db, "s", "a", "b", "a")
    case = Case(1, "next", done("a"))
    mixed = blend.blend(db, case)

    earned = blend.credit(case, mixed, "b")

    assert sum(earned.values()) == pytest.approx(2 * blend.UNIT, abs=2 * len(EXPERTS))
