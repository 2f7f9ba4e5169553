"""Learned patterns through the inspector: filtered, in full, compared, and day against day."""

import json

import pytest

OK, FAILED, USAGE, NOTHING = 0, 1, 2, 3


@pytest.fixture
def taught(tmws):
    steps = [
        *({"task": "mend the build", "tool_used": "make", "success": n < 20} for n in range(30)),
        {"task": "mend the build", "tool_used": "configure", "execution_time": 2},
    ]
    for _ in range(1):
        call = tmws("inspect", "call", "observe_interaction", json.dumps({"interactions": steps}))
        assert call.exit_code == OK
    return tmws


def ids(result):
    assert result.exit_code == OK, result.stderr
    return {one["definition"].get("tool"): one["pattern_id"] for one in json.loads(result.stdout)}


def test_listing_takes_filters(taught):
    usage = ids(taught("inspect", "learned", "--kind", "tool_usage", "--json"))
    often = ids(taught("inspect", "learned", "--min-support", "5", "--json"))

    assert set(usage) == {"make", "configure"}
    assert set(often) == {"make"}
    assert taught("inspect", "learned", "--tool", "rm").exit_code == NOTHING
    assert taught("inspect", "learned", "--since", "2999-01-01").exit_code == NOTHING
    assert taught("inspect", "learned", "--kind", "gossip").exit_code == FAILED


def test_one_is_shown_with_its_change_and_history(taught):
    name = ids(taught("inspect", "learned", "--kind", "tool_usage", "--json"))["make"]

    for command in (("learned", name), ("why", name)):
        shown = taught("inspect", *command)
        assert shown.exit_code == OK
        assert "got worse" in shown.stdout
        assert "history" in shown.stdout
        assert "Seen 10 times" in shown.stdout
    assert taught("inspect", "learned", "feed").exit_code == NOTHING


def test_the_status_names_what_got_worse(taught):
    answer = taught("inspect", "call", "pattern_execute", '{"query": "health"}', "--json")

    health = json.loads(answer.stdout)["structured"]["result"]["health"]
    assert any("make" in said and "since it got worse" in said for said in health["regressions"])


def test_two_are_compared(taught):
    shown = taught("inspect", "compare", "make", "configure", "--task", "mend the build")
    as_json = taught("inspect", "compare", "make", "configure", "--json")

    assert shown.exit_code == OK
    assert "make worked in 0 of 10" in shown.stdout
    assert 0 < json.loads(as_json.stdout)["better"] < 0.1
    assert taught("inspect", "compare", "make", "nobody").exit_code == NOTHING


def test_days_are_compared(taught):
    found = json.loads(taught("inspect", "diff", "--json").stdout)

    assert {move["runs"] for move in found} == {30, 1}
    assert {move["got_worse"] for move in found} == {True, False}
    assert taught("inspect", "diff").exit_code == OK
    assert taught("inspect", "diff", "2001-01-01", "2001-01-02").exit_code == NOTHING
    assert taught("inspect", "diff", "someday").exit_code == FAILED


def test_an_authored_pattern_tells_how_its_executions_went(taught):
    taught("inspect", "call", "pattern_execute", '{"query": "health"}')

    shown = taught("inspect", "why", "infrastructure.health")

    assert "worked in 1 of 1 run" in shown.stdout


def test_programs_get_one_in_full(taught):
    name = ids(taught("inspect", "learned", "--kind", "tool_usage", "--json"))["make"]

    by_learned = json.loads(taught("inspect", "learned", name, "--json").stdout)
    by_why = json.loads(taught("inspect", "why", name, "--json").stdout)

    assert by_learned == by_why
    assert by_learned["pattern_id"] == name
    assert by_learned["history"]


def test_an_empty_list_says_whether_a_filter_emptied_it(taught):
    assert (
        "Nothing was learned here that fits" in taught("inspect", "learned", "--tool", "rm").stdout
    )


def test_nothing_between_two_days_is_said(taught):
    told = taught("inspect", "diff", "2001-01-01", "2001-01-02")

    assert "Nothing was learned between these days" in told.stdout
    assert json.loads(taught("inspect", "diff", "2001-01-01", "2001-01-02", "--json").stdout) == []
