"""A learned sequence becomes a pattern file, after a person has seen it; then it runs."""

import json

import pytest
import yaml

OK, FAILED, USAGE, NOTHING = 0, 1, 2, 3


def observe(tmws, session, task, steps):
    arguments = {"session_id": session, "task": task, "interactions": steps, "outcome": "success"}
    result = tmws("inspect", "call", "observe_interaction", json.dumps(arguments))
    assert result.exit_code == OK, result.stdout


def sequence_id(tmws):
    listed = json.loads(tmws("inspect", "learned", "--json").stdout)
    return next(one["pattern_id"] for one in listed if one["kind"] == "task_sequence")


@pytest.fixture
def sums(tmws):
    """Two runs of a task that our own actions can do."""
    for number, expression in enumerate(("1+2", "3+4")):
        steps = [
            {"tool_used": "clock.now"},
            {"tool_used": "calculate.value", "arguments": {"expression": expression}},
        ]
        observe(tmws, f"s{number}", "tell the time and the sum of two numbers", steps)
    return tmws


@pytest.fixture
def issues(tmws):
    """Runs of tasks that differ in a number, with tools of other servers."""
    for number in (12, 345, 6789):
        steps = [
            {"tool_used": "mcp__github__get_issue", "arguments": {"repo": "a/b", "number": number}},
            {
                "tool_used": "edit",
                "arguments": {"path": f"src/m{number}.py", "token": "token=s3cr3tvalue99"},
            },
        ]
        observe(tmws, f"s{number}", f"mend issue {number} of the parser", steps)
    return tmws


def test_a_promoted_sequence_of_actions_runs(sums, home):
    shown = sums("patterns", "promote", sequence_id(sums), "--yes")

    assert shown.exit_code == OK, shown.stdout + shown.stderr
    [file] = (home / "promoted").rglob("*.yaml")
    assert sums("patterns", "check").exit_code == OK
    query = {"query": "tell the time and the sum of two numbers", "context": {"expression": "20+1"}}
    reply = sums("inspect", "call", "pattern_execute", json.dumps(query))
    assert reply.exit_code == OK, reply.stdout
    assert "21" in reply.stdout
    assert yaml.safe_load(file.read_text())["steps"] == [
        {"name": "clock_now", "action": "clock.now"},
        {
            "name": "calculate_value",
            "action": "calculate.value",
            "with": {"expression": "{expression}"},
            "needs": ["clock_now"],
        },
    ]


def test_its_executions_move_the_evidence_of_the_learned_pattern(sums):
    name = sequence_id(sums)
    assert sums("patterns", "promote", name, "--yes").exit_code == OK
    before = json.loads(sums("inspect", "why", name, "--json").stdout)["evidence"]
    query = {"query": "tell the time and the sum of two numbers"}

    for expression in ("5+5", "1/0"):
        call = json.dumps({**query, "context": {"expression": expression}})
        sums("inspect", "call", "pattern_execute", call)

    after = json.loads(sums("inspect", "why", name, "--json").stdout)["evidence"]
    assert (before["support"], before["successes"]) == (2, 2)
    assert (after["support"], after["successes"]) == (4, 3)


def test_a_dry_run_and_nobody_to_ask_write_nothing(sums, home):
    dry = sums("patterns", "promote", sequence_id(sums), "--dry-run")
    unasked = sums("patterns", "promote", sequence_id(sums))

    assert (dry.exit_code, unasked.exit_code) == (OK, FAILED)
    assert "action: clock.now" in dry.stdout
    assert "--yes" in unasked.stdout
    assert not (home / "promoted").exists()


def test_what_varied_becomes_a_parameter_and_is_taken_from_the_query(issues):
    result = issues("patterns", "promote", sequence_id(issues), "--yes", "--json")

    assert result.exit_code == OK, result.stdout + result.stderr
    made = json.loads(result.stdout)
    assert made["missing"] == ["mcp__github__get_issue", "edit"]
    assert made["runs"] == 3
    first, second = made["definition"]["steps"]
    assert first["call"] == "mcp__github__get_issue"
    assert first["with"] == {"repo": "a/b", "number": "{number}"}
    assert second["with"]["path"] == "{path}"
    assert second["with"]["token"].startswith("{token")
    assert made["definition"]["arguments"]["number"] == {"type": "integer"}
    assert made["definition"]["arguments"]["path"] == {"type": "path"}
    assert "s3cr3t" not in result.stdout
    assert issues("patterns", "check").exit_code == OK


def test_calls_that_cannot_be_made_here_are_handed_to_the_caller(issues):
    assert issues("patterns", "promote", sequence_id(issues), "--yes").exit_code == OK
    call = {
        "query": "mend issue 77 of the parser",
        "context": {"path": "src/x.py", "token": "t"},
    }

    reply = issues("inspect", "call", "pattern_execute", json.dumps(call), "--json")

    answer = json.loads(reply.stdout)
    assert answer["structured"]["result"]["get_issue"] == {
        "call": "mcp__github__get_issue", "with": {"repo": "a/b", "number": 77},
    }  # fmt: skip
    assert all(step["ran"] is False for step in answer["structured"]["steps"])
    assert "not run" in answer["text"]
    assert "call it yourself" in answer["text"]


def test_promoting_again_replaces_the_file(sums, home):
    for _ in range(2):
        assert sums("patterns", "promote", sequence_id(sums), "--yes").exit_code == OK

    assert len(list((home / "promoted").rglob("*.yaml"))) == 1


def test_another_folder_is_named_if_no_server_loads_it(sums, tmp_path):
    folder = tmp_path / "elsewhere"

    result = sums("patterns", "promote", sequence_id(sums), "--yes", "--to", str(folder))

    assert result.exit_code == OK
    assert "TMWS_PATTERN_DIRS" in result.stderr
    assert len(list(folder.rglob("*.yaml"))) == 1


def test_a_repair_can_be_promoted(tmws):
    for number in range(2):
        failed = {"tool_used": "clock.now", "success": False, "error": f"zone {number} is unknown"}
        mended = {"tool_used": "calculate.value", "arguments": {"expression": f"{number}+1"}}
        observe(tmws, f"s{number}", "", [failed, mended])
    listed = json.loads(tmws("inspect", "learned", "--json").stdout)
    name = next(one["pattern_id"] for one in listed if one["kind"] == "error_recovery")

    result = tmws("patterns", "promote", name, "--yes")

    assert result.exit_code == OK, result.stdout + result.stderr
    call = {"query": "zone 99 is unknown", "context": {"expression": "6*7"}}
    reply = tmws("inspect", "call", "pattern_execute", json.dumps(call))
    assert "42" in reply.stdout


def test_other_kinds_and_unknown_ids_are_refused_with_what_to_do(sums):
    listed = json.loads(sums("inspect", "learned", "--json").stdout)
    usage = next(one["pattern_id"] for one in listed if one["kind"] == "tool_usage")

    refused, unknown = sums("patterns", "promote", usage), sums("patterns", "promote", "feed")

    assert (refused.exit_code, unknown.exit_code) == (USAGE, NOTHING)
    assert "task_sequence" in refused.stderr
    assert "inspect learned" in unknown.stderr
