"""What comes out: the four wants, the evidence, and silence where there is none."""

import pytest

from tests.learning.desk import NOW, SCOPE, advised, observed
from tmws_mcp.learning import text
from tmws_mcp.learning.workflow import FAILED_RUNS_MAX
from tmws_mcp.model import RecommendReply
from tmws_mcp.store.driver import Connection

DENIED = "PermissionError: [Errno 13] Permission denied: '/srv/{}'"


def actions(reply: RecommendReply) -> list[str | tuple[str, ...]]:
    return [one.action for one in reply.recommendations]


def a_run(db: Connection, name: str, *tools: str, task: str, outcome: str = "success") -> None:
    for tool in tools:
        observed(db, session_id=name, tool_used=tool, task=task)
    observed(db, session_id=name, outcome=outcome)


def a_repair(db: Connection, name: str, repair: str, *, file: str, worked: bool = True) -> None:
    observed(db, session_id=name, tool_used="deploy", success=False, error=DENIED.format(file))
    observed(db, session_id=name, tool_used=repair, success=worked, error="" if worked else "no")
    observed(db, session_id=name, outcome="unknown")


def test_an_error_with_other_particulars_finds_its_repair(db: Connection) -> None:
    for number in range(3):
        a_repair(db, f"s{number}", "chown", file=f"file{number}")
    a_repair(db, "s9", "deploy", file="x", worked=False)

    reply = advised(
        db, recent_steps=[{"tool": "deploy", "ok": False, "error": DENIED.format("new")}]
    )

    best = reply.recommendations[0]
    assert best.action == "chown"
    assert (best.evidence.support, best.evidence.successes) == (3, 3)
    assert best.evidence.base_rate == 0.0
    assert best.pattern_id is not None
    assert "worked in 3 of 3 runs" in best.why
    assert best.why.endswith("after this error; without it 0 %")


def test_an_error_that_came_three_times_was_repaired_once(db: Connection) -> None:
    for _ in range(3):
        observed(db, tool_used="deploy", success=False, error=DENIED.format("x"))
    observed(db, tool_used="chown")

    best = advised(db, error=DENIED.format("y")).recommendations[0]

    assert best.action == "chown"
    assert (best.evidence.support, best.evidence.successes) == (1, 1)
    assert "worked in 1 of 1 run" in best.why


def test_an_error_alone_finds_its_repair(db: Connection) -> None:
    a_repair(db, "s", "chown", file="a")

    assert actions(advised(db, error=DENIED.format("b")))[0] == "chown"


def test_an_error_nobody_repaired_gets_no_advice(db: Connection) -> None:
    a_repair(db, "s", "chown", file="a")

    reply = advised(db, error="the moon is in the wrong phase")

    assert reply.abstained == "No error like this one was repaired yet."


def test_a_stated_recovery_counts_as_direct_evidence(db: Connection) -> None:
    observed(
        db, tool_used="build", success=False, error="out of memory", recovery_action="clean",
        task="ship it",
    )  # fmt: skip

    reply = advised(db, error="out of memory", recent_steps=[{"tool": "build", "ok": False}])

    assert reply.recommendations[0].action == "clean"
    assert reply.recommendations[0].evidence.successes == 1


def test_a_repair_comes_within_five_steps_or_is_none(db: Connection) -> None:
    observed(db, tool_used="deploy", success=False, error="boom")
    for _ in range(5):
        observed(db, tool_used="poke", success=False, error="still broken")
    observed(db, tool_used="late")

    keys = db.rows("SELECT DISTINCT action FROM outcome WHERE kind = 'repair' AND ok > 0")
    learned = db.rows('SELECT count(*) FROM learned WHERE definition LIKE \'%"tool": "deploy"%\'')
    assert keys == [("late",)]
    assert learned == [(0,)]


def test_told_steps_win_over_the_stored_session(db: Connection) -> None:
    for number in range(3):
        a_run(db, f"a{number}", "open", "read", "close", task="look at it")
        a_run(db, f"b{number}", "fetch", "parse", "close", task="load it")
    observed(db, session_id="now", tool_used="open", task="look at it")

    stored = advised(db, session_id="now", want="next")
    told = advised(
        db, session_id="now", task="load it", recent_steps=[{"tool": "fetch"}], want="next"
    )

    assert actions(stored)[0] == "read"
    assert actions(told)[0] == "parse"


def test_only_available_tools_are_recommended(db: Connection) -> None:
    a_run(db, "a", "open", "read", "close", task="look at it")

    reply = advised(
        db, recent_steps=[{"tool": "open"}], available_tools=["close", "open"], want="next"
    )

    assert set(actions(reply)) <= {"close", "open"}


def test_the_start_of_a_task_gets_the_workflow_of_a_task_like_it(db: Connection) -> None:
    a_run(db, "a", "search", "edit", "edit", "test", task="fix the failing parser test")
    a_run(db, "b", "deploy", task="roll out the website")

    reply = advised(db, task="fix another failing parser test")

    best = reply.recommendations[0]
    assert (best.kind, best.action) == ("workflow", ("search", "edit", "test"))
    assert "fix the failing parser test" in best.why


def test_a_workflow_that_only_failed_again_and_again_is_not_recommended(db: Connection) -> None:
    for number in range(FAILED_RUNS_MAX):
        a_run(db, f"s{number}", "search", "edit", task="fix the parser", outcome="failure")

    reply = advised(db, task="fix the parser", want="workflow")

    assert reply.abstained == "All runs of tasks like this one failed."


def test_a_run_of_unknown_end_is_not_called_a_failure(db: Connection) -> None:
    for tools in ("abc", "xyz"):
        a_run(db, tools, *tools, task="fix the parser", outcome="unknown")

    first, second, *_ = text.recommend_text(advised(db, task="fix the parser")).splitlines()

    assert "1 run of unknown end" in first
    assert "(1 of unknown end)" in second


def test_runs_of_several_tasks_are_not_ascribed_to_one(db: Connection) -> None:
    for number in range(3):
        a_run(db, f"s{number}", "a", "b", task="fix the old parser")
    a_run(db, "z", "a", "b", task="fix the old roof")

    best = advised(db, task="fix the old roof").recommendations[0]

    assert best.evidence.support == 4
    assert 'for tasks like "fix the old roof"' in best.why


def test_where_nothing_observed_is_available_the_reason_says_so(db: Connection) -> None:
    a_run(db, "s", "open", "read", task="look at it")

    for told in ({"want": "next"}, {"want": "workflow", "task": "look at it"}):
        reply = advised(db, available_tools=["other"], **told)

        assert "available_tools" in str(reply.abstained)


def test_blank_tools_and_candidates_are_ignored(db: Connection) -> None:
    observed(db, task="t", tool_used="run_job", method="m1")

    assert advised(db, task="t", want="next", available_tools=[""]).recommendations
    found = advised(db, task="t", want="variant", candidates=["", "m1"]).recommendations
    assert actions(RecommendReply(recommendations=found, scope=SCOPE)) == ["m1"]


def test_the_only_variant_known_is_as_sure_as_it_works(db: Connection) -> None:
    for _ in range(4):
        observed(db, task="t", method="m1", success=False)

    best = advised(db, task="t", want="variant").recommendations[0]

    assert best.confidence < 0.3


def test_workflows_differ_from_each_other(db: Connection) -> None:
    for number, tools in enumerate(["abcd", "abcd", "abce", "xyz"]):
        a_run(db, f"s{number}", *tools, task="fix the parser")

    found = actions(advised(db, task="fix the parser", want="workflow", limit=5))

    assert found == [("a", "b", "c", "d"), ("x", "y", "z")] or len(found) == 3
    assert ("x", "y", "z") in found


def test_an_unknown_task_gets_no_advice(db: Connection) -> None:
    a_run(db, "a", "search", "edit", task="fix the parser")

    reply = advised(db, task="bake sourdough bread")

    assert not reply.recommendations
    assert reply.abstained == "No task like this one was observed with a tool."


def test_a_task_without_a_tool_says_what_is_missing(db: Connection) -> None:
    observed(db, task="process_data", execution_time=1.5, success=True)

    reply = advised(db, task="process_data")

    assert "worked in 1 of 1 run" in str(reply.abstained)
    assert "tool_used" in str(reply.abstained)


def test_min_confidence_is_a_floor_that_names_what_it_hides(db: Connection) -> None:
    a_run(db, "a", "search", "edit", task="fix the parser")

    reply = advised(db, recent_steps=[{"tool": "search"}], want="next", min_confidence=1)

    assert not reply.recommendations
    assert "below min_confidence 1" in str(reply.abstained)


def test_nothing_failed_so_nothing_to_recover_from(db: Connection) -> None:
    observed(db, tool_used="read")

    assert "Nothing failed here" in str(advised(db, want="recover").abstained)


def test_what_is_told_of_this_session_alone_is_called_so(db: Connection) -> None:
    observed(db, tool_used="elsewhere", session_id="other")

    reply = advised(db, recent_steps=[{"tool": "mine"}, {"tool": "mine"}], want="next")

    best = reply.recommendations[0]
    assert best.action == "mine"
    assert best.evidence.instances == 0
    assert "2 of 2 ok in this session" in best.why


def test_an_unknown_namespace_lists_the_known_ones(db: Connection) -> None:
    reply = advised(db, task="x", scope="nowhere")
    observed(db, tool_used="read")
    other = advised(db, task="x", scope="nowhere")

    assert reply.scope.known == ()
    assert other.scope.known == ("team",)
    assert "team" in text.recommend_text(other)


def test_a_typical_text_is_short_and_complete(db: Connection) -> None:
    for number in range(3):
        a_run(db, f"s{number}", "search_files", "edit_file", "run_tests", task="fix the parser")
    for number in range(3):
        a_repair(db, f"r{number}", "chown", file=str(number))
    requests = (
        {"task": "fix the parser", "recent_steps": [{"tool": "search_files"}], "want": "next"},
        {"task": "fix the parser"},
        {"recent_steps": [{"tool": "deploy", "ok": False, "error": DENIED.format("q")}]},
    )
    for request in requests:
        reply = advised(db, **request)
        shown = text.recommend_text(reply)

        assert reply.tokens <= 120
        for one in reply.recommendations:
            action = one.action if isinstance(one.action, str) else " > ".join(one.action)
            assert action in shown
            assert f"confidence {one.confidence:.2f}" in shown
            assert one.pattern_id is None or one.pattern_id in shown
            assert f"{one.evidence.successes} of {one.evidence.support}" in shown
        assert reply.recommendations[0].why in shown
        assert reply.scope.namespace in shown


def test_confidences_are_probabilities_in_order(db: Connection) -> None:
    for number in range(5):
        a_run(db, f"s{number}", "open", "read", "edit", "test", task=f"change {number}")

    found = advised(db, recent_steps=[{"tool": "open"}], want="next", limit=10).recommendations

    confidences = [one.confidence for one in found]
    assert confidences == sorted(confidences, reverse=True)
    assert 0 < sum(confidences) <= 1


def test_the_same_store_gives_the_same_answer(db: Connection) -> None:
    for number in range(4):
        observed(db, task="t", method=f"m{number}", success=number % 2 == 0)

    replies = [advised(db, task="t", want="variant") for _ in range(3)]

    assert replies[0] == replies[1] == replies[2]


@pytest.mark.parametrize("want", ["auto", "next", "recover", "workflow", "variant"])
def test_every_want_is_answered_on_an_almost_empty_store(db: Connection, want: str) -> None:
    observed(db, tool_used="read")

    reply = advised(db, want=want)

    assert bool(reply.recommendations) != bool(reply.abstained)


def test_reading_changes_nothing(db: Connection) -> None:
    observed(db, tool_used="read", task="t")
    db.rows("PRAGMA query_only = ON")

    assert advised(db, task="t", now=NOW).recommendations
