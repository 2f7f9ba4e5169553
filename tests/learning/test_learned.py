"""Learned patterns: what people see."""

import pytest

from tests.learning.desk import NOW, SCOPE, observed
from tmws_mcp.errors import NotFound
from tmws_mcp.learning import learned, text
from tmws_mcp.learning.kinds import KINDS
from tmws_mcp.learning.learned import SHOWN_MAX
from tmws_mcp.model import LearnedFilter, Scope
from tmws_mcp.store import learned as table
from tmws_mcp.store.driver import Connection


def story(db: Connection) -> None:
    observed(db, task="Ship the release", tool_used="deploy", success=False, error="denied: 'x'")
    observed(db, task="Ship the release", tool_used="chown")
    observed(db, task="Ship the release", tool_used="deploy")
    observed(db, task="Ship the release", outcome="success")
    for method, seconds in (("m1", 1), ("m2", 9)):
        for _ in range(3):
            observed(db, task="resize", method=method, execution_time=seconds)


def test_each_kind_states_itself_in_plain_words(db: Connection) -> None:
    story(db)

    found = {one.kind: one for one in learned.learned_patterns(db, SCOPE, LearnedFilter(limit=50))}

    assert set(found) == set(KINDS)
    assert found["error_recovery"].summary.startswith(
        "when deploy fails with 'denied: <q>', call chown: worked in 1 of 1 run"
    )
    assert found["task_sequence"].summary.startswith(
        'for tasks like "Ship the release": chown, then deploy'
    )
    assert 'for tasks like "Ship the release" use' in found["tool_usage"].summary
    assert "m1 is about" in found["performance"].summary
    for one in found.values():
        assert one.evidence.instances == len(one.actors) == 1


def test_the_same_discovery_has_the_same_id(db: Connection) -> None:
    first = observed(db, task="Build it", tool_used="make").learned
    second = observed(db, task="build  IT", tool_used="make").learned

    assert first[0].pattern_id == second[0].pattern_id
    assert second[0].support == 2


def test_a_learned_pattern_is_found_by_its_id(db: Connection) -> None:
    story(db)
    one = learned.learned_patterns(db, SCOPE, LearnedFilter(limit=1))[0]

    found = learned.learned_pattern(db, one.pattern_id, SCOPE)

    assert found.model_copy(update={"history": ()}) == one


def test_an_unknown_id_is_an_error_that_says_where_to_look(db: Connection) -> None:
    story(db)

    with pytest.raises(NotFound, match="inspect learned"):
        learned.learned_pattern(db, "feedfeedfeed", SCOPE)


def test_another_namespace_sees_nothing(db: Connection) -> None:
    story(db)
    elsewhere = Scope(namespace="elsewhere", source="argument")
    pattern_id = learned.learned_patterns(db, SCOPE, LearnedFilter(limit=1))[0].pattern_id

    assert learned.learned_patterns(db, elsewhere, LearnedFilter()) == ()
    assert learned.statistics(db, elsewhere).steps == 0
    with pytest.raises(NotFound):
        learned.learned_pattern(db, pattern_id, elsewhere)


def test_an_observation_names_few_of_what_it_moved(db: Connection) -> None:
    reply = observed(db, interactions=[{"tool_used": f"tool{n}", "task": "t"} for n in range(9)])

    assert len(reply.learned) == SHOWN_MAX
    shown = text.observe_text(reply)
    assert all(one.summary in shown and one.pattern_id in shown for one in reply.learned)


def test_a_repeat_says_so(db: Connection) -> None:
    observed(db, tool_used="read", session_id="s", step=1)

    shown = text.observe_text(observed(db, tool_used="read", session_id="s", step=1))

    assert "Observed 0" in shown
    assert "repeat" in shown


def test_statistics_count_what_is_there(db: Connection) -> None:
    story(db)

    found = learned.statistics(db, SCOPE)

    assert (found.steps, found.observed, found.succeeded) == (9, 3, 2)
    assert (found.sessions, found.open_sessions, found.tasks) == (1, 1, 2)
    assert found.learned.error_recovery == 1


def test_the_oldest_learned_patterns_are_dropped(db: Connection) -> None:
    for number in range(6):
        observed(db, now=NOW + number, task=f"task {number}", tool_used="make")

    assert table.prune(db, 1, 2) == 4
    left = [
        one.definition["task"]
        for one in learned.learned_patterns(db, SCOPE, LearnedFilter(limit=9))
    ]
    assert left == ["task 5", "task 4"]
