"""What was learned goes from one store to another, and counts once however often it comes."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.learning.desk import NOW, SCOPE, advised, observed, opened, temporary
from tmws_mcp.errors import InvalidInput
from tmws_mcp.learning import carrying, learned
from tmws_mcp.model import LearnedFilter
from tmws_mcp.model.carried import CarriedLine, ImportedLearned
from tmws_mcp.store.driver import Connection

EVERY = LearnedFilter()


def story(db: Connection) -> None:
    steps = [
        {"tool_used": "build", "success": False, "error": "no rule"},
        {"tool_used": "configure", "execution_time": 3},
        {"tool_used": "build"},
    ]
    for session in ("s1", "s2"):
        observed(db, session_id=session, task="Ship it", interactions=steps, outcome="success")
    for _ in range(3):
        observed(db, task="resize", method="m1", execution_time=1, tokens=10)
        observed(db, task="resize", method="m2", execution_time=9, tokens=10)


def lines_of(db: Connection, wanted: LearnedFilter = EVERY) -> tuple[str, ...]:
    return carrying.exported(db, SCOPE, wanted)


def take(db: Connection, lines: tuple[str, ...]) -> ImportedLearned:
    parsed = [CarriedLine.model_validate_json(line) for line in lines[1:]]
    return carrying.take_in(db, parsed, SCOPE, NOW + 10)


@pytest.fixture
def other(tmp_path: Path) -> Connection:
    folder = tmp_path / "other"
    folder.mkdir()
    with opened(folder) as connection:
        yield connection


def test_the_same_store_gives_the_same_lines(db: Connection) -> None:
    story(db)

    assert lines_of(db) == lines_of(db)
    assert json.loads(lines_of(db)[0]) == {"tmws_learned": 1, "masks": "1"}


def test_another_store_knows_then_what_this_one_knew(db: Connection, other: Connection) -> None:
    story(db)

    take(other, lines_of(db))

    mine = learned.learned_patterns(db, SCOPE, EVERY)
    theirs = {one.pattern_id: one for one in learned.learned_patterns(other, SCOPE, EVERY)}
    assert {one.kind for one in mine} == {
        "task_sequence", "error_recovery", "tool_usage", "performance",
    }  # fmt: skip
    for one in mine:
        assert theirs[one.pattern_id] == one
    assert lines_of(other) == lines_of(db)
    advice = advised(other, task="Ship it", want="workflow")
    assert advice.recommendations[0].action == ("configure", "build")
    error = {"tool": "build", "ok": False, "error": "no rule"}
    assert advised(other, recent_steps=[error]).recommendations[0].action == "configure"


def test_taking_it_in_twice_counts_nothing_twice(db: Connection, other: Connection) -> None:
    story(db)
    lines = lines_of(db)
    first = take(other, lines)
    before = other.rows("SELECT * FROM outcome ORDER BY kind, key, action, actor")

    again = take(other, lines)

    assert first.patterns
    assert (again.patterns, again.slots, again.runs) == (0, 0, 0)
    assert again.known == len(lines) - 1
    assert other.rows("SELECT * FROM outcome ORDER BY kind, key, action, actor") == before
    assert other.rows("SELECT count(*) FROM run") == db.rows("SELECT count(*) FROM run")


def test_ones_own_file_changes_nothing_at_home(db: Connection) -> None:
    story(db)
    old = lines_of(db)
    observed(db, session_id="s3", task="Ship it", tool_used="build")
    now = lines_of(db)

    done = take(db, old)

    assert (done.patterns, done.slots, done.runs) == (0, 0, 0)
    assert lines_of(db) == now


def test_a_newer_file_wins_over_an_older_one_in_any_order(
    db: Connection, other: Connection
) -> None:
    story(db)
    old = lines_of(db)
    observed(db, session_id="s3", task="Ship it", tool_used="build")
    new = lines_of(db)

    take(other, new)
    take(other, old)

    assert lines_of(other) == new


def test_what_both_observed_adds_up(db: Connection, other: Connection) -> None:
    story(db)
    observed(other, task="Ship it", tool_used="build")

    take(other, lines_of(db))

    [one] = [
        one
        for one in learned.learned_patterns(other, SCOPE, EVERY)
        if one.kind == "tool_usage" and one.definition["tool"] == "build"
    ]
    assert (one.evidence.support, one.evidence.instances) == (5, 2)


def test_a_store_that_lost_its_own_counts_goes_on_above_them(db: Connection) -> None:
    story(db)
    lines = lines_of(db)
    db.run("DELETE FROM outcome")
    db.run("UPDATE meta SET value = '0' WHERE key = 'seq'")

    take(db, lines)
    observed(db, session_id="s9", task="Ship it", tool_used="build")

    assert take(db, lines).slots == 0


def test_a_filter_exports_a_part_with_all_that_it_rests_on(
    db: Connection, other: Connection
) -> None:
    story(db)
    wanted = LearnedFilter(kind="performance")

    take(other, lines_of(db, wanted))

    [one] = learned.learned_patterns(other, SCOPE, EVERY)
    assert one == learned.learned_patterns(db, SCOPE, wanted)[0]
    assert lines_of(db, LearnedFilter(tool="nobody")) == ()


def test_a_pattern_that_was_changed_by_hand_is_refused(db: Connection, other: Connection) -> None:
    story(db)
    lines = tuple(line.replace('"tool":"build"', '"tool":"rm"') for line in lines_of(db))

    with pytest.raises(InvalidInput, match="another id"):
        take(other, lines)
    assert other.rows("SELECT count(*) FROM outcome") == [(0,)]


SLOT = {"kind": "tool", "key": "", "action": "a", "actor": "feed", "seq": 1, "n": 1, "ok": 1,
        "last_at": 1}  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        {}, {"slot": {**SLOT, "ok": 2}}, {"slot": {**SLOT, "n": -1}},
        {"slot": {**SLOT, "n": 2**60}},
        {"slot": {**SLOT, "actor": "; DROP"}}, {"slot": SLOT, "run": None}, {"weather": 1},
        {"pattern": {"id": "x", "kind": "tool_usage", "definition": {}, "first_at": 0,
                     "last_at": 0}},
    ],
)  # fmt: skip
def test_lines_that_are_none_are_refused(line: dict) -> None:
    with pytest.raises(ValidationError):
        CarriedLine.model_validate(line)


def test_a_definition_of_another_shape_is_refused(db: Connection) -> None:
    line = {"id": "0" * 12, "kind": "task_sequence", "first_at": 0, "last_at": 0}
    for definition in ({}, {"task_key": "k", "task": "t", "steps": "ab"}, {"steps": [1]}):
        parsed = CarriedLine.model_validate({"pattern": {**line, "definition": definition}})
        with pytest.raises(InvalidInput, match="none of kind"):
            carrying.take_in(db, [parsed], SCOPE, NOW)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.booleans()), max_size=12),
    st.permutations(range(3)),
)
def test_any_order_of_files_ends_in_the_same_store(
    steps: list[tuple[str, bool]], order: list[int]
) -> None:
    with temporary() as db, temporary() as one, temporary() as two:
        files = []
        for part in range(3):
            for tool, ok in steps[part::3]:
                observed(db, task="t", tool_used=tool, success=ok)
            files.append(lines_of(db))
        for number in range(3):
            take(one, files[number]) if files[number] else None
        for number in (*order, *order):
            take(two, files[number]) if files[number] else None

        assert lines_of(one) == lines_of(two) == files[-1]
