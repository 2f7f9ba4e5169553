"""The inspector shows what a model would get and what it costs; scripts can use its exit codes."""

import json
import re
import shlex
import subprocess
import sys

import pytest

OK, FAILED, USAGE, NOTHING = 0, 1, 2, 3

STEPS = [
    {"task": "mend the build", "tool_used": "make", "success": False, "error": "no rule"},
    {"task": "mend the build", "tool_used": "configure", "outcome": "success"},
]


def parsed(result):
    assert result.exit_code == OK, result.stderr
    return json.loads(result.stdout)


@pytest.fixture
def observed(tmws):
    arguments = json.dumps({"session_id": "s", "interactions": STEPS})
    assert tmws("inspect", "call", "observe_interaction", arguments).exit_code == OK
    return tmws


def test_tools_are_listed_with_what_they_cost(tmws):
    result = tmws("inspect", "tools")

    assert result.exit_code == OK
    assert "recall_memory" in result.stdout
    assert "read-only" in result.stdout
    assert re.search(r"6 tools, about 1,\d\d\d tokens \(estimated\)", result.stdout)


def test_tools_as_json_carry_their_schemas(tmws):
    listed = {tool["name"]: tool for tool in parsed(tmws("inspect", "tools", "--json"))}

    assert "query" in listed["recall_memory"]["inputSchema"]["properties"]


def test_call_prints_the_models_text_and_its_cost(stored):
    result = stored("inspect", "call", "recall_memory", '{"query": "port"}')

    assert result.exit_code == OK
    assert "port 8931" in result.stdout
    assert "tokens (estimated)" in result.stdout


def test_call_as_json_carries_text_structure_and_tokens(stored):
    reply = parsed(stored("inspect", "call", "recall_memory", '{"query": "port"}', "--json"))

    assert reply["tokens"] > 0
    assert reply["structured"]["memories"][0]["content"].endswith("8931")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["recall_memory", '{"limt": 3}'], FAILED, "limit"),
        (["no_such_tool"], FAILED, "no_such_tool"),
        (["recall_memory", "{limit: 3}"], USAGE, "not JSON"),
        (["recall_memory", "[3]"], USAGE, "JSON object"),
    ],
)
def test_a_call_that_cannot_be_made_says_why(tmws, arguments, code, said):
    result = tmws("inspect", "call", *arguments)

    assert result.exit_code == code
    assert said in result.stdout + result.stderr


def test_recall_shows_scores_and_what_found_them(stored):
    result = stored("inspect", "recall", "which port")

    assert result.exit_code == OK
    assert "port 8931" in result.stdout
    assert "words" in result.stdout
    assert "test" in result.stdout


def test_a_recall_that_finds_nothing_says_so(stored):
    result = stored("inspect", "recall", "sourdough", "--tag", "kitchen")

    assert result.exit_code == NOTHING
    assert "note" in result.stdout


def test_a_malformed_namespace_is_refused_with_its_name(tmws):
    result = tmws("inspect", "recall", "x", "--namespace", "No Such Name!")

    assert result.exit_code == FAILED
    assert "malformed" in result.stderr


def test_memories_are_listed_under_filters(stored):
    everything = parsed(stored("inspect", "memories", "--json"))["memories"]
    planned = parsed(stored("inspect", "memories", "--thread", "plan", "--json"))["memories"]
    decided = stored("inspect", "memories", "--tag", "decision")

    assert len(everything) == 3
    assert [memory["content"] for memory in planned] == ["Releases happen on Tuesday"]
    assert "8931" in decided.stdout
    assert "lights" not in decided.stdout


def test_what_a_terminal_would_act_on_is_shown_and_not_sent(tmws):
    tmws("inspect", "call", "store_memory", json.dumps({"content": "red \x1b[31m [bold]port[/]"}))

    result = tmws("inspect", "memories")

    assert "\x1b[31m" not in result.stdout
    assert "\\x1b[31m [bold]port[/]" in result.stdout


def test_route_explains_and_runs_nothing(stored):
    result = stored("inspect", "route", "do the ports still follow what we decided")
    reply = parsed(stored("inspect", "route", "git status", "--mode", "fast", "--json"))

    assert result.exit_code == OK
    assert "hybrid.compare_with_decision" in result.stdout
    assert "not taken" in result.stdout
    assert (reply["route"], reply["steps"]) == ("infrastructure", [])


def test_an_unknown_mode_is_refused(tmws):
    result = tmws("inspect", "route", "git status", "--mode", "reckless")

    assert result.exit_code == FAILED
    assert "comprehensive" in result.stderr


def test_why_explains_a_memory_with_all_that_is_known(stored):
    [memory] = parsed(stored("inspect", "memories", "--thread", "plan", "--json"))["memories"]

    result = stored("inspect", "why", memory["id"])

    assert "Releases happen on Tuesday" in result.stdout
    assert "procedural" in result.stdout
    assert "plan" in result.stdout
    assert parsed(stored("inspect", "why", memory["id"], "--json"))["id"] == memory["id"]


def test_why_shows_what_each_signal_adds_to_the_rank_of_what_a_query_finds(stored):
    [found] = parsed(stored("inspect", "recall", "staging port?", "--limit", "1", "--json"))[
        "memories"
    ]

    table = stored("inspect", "why", "--recall", "staging port?")
    ranks = parsed(stored("inspect", "why", found["id"], "--recall", "staging port?", "--json"))

    assert "meaning" in table.stdout
    assert [one["id"] for one in ranks] == [found["id"]]
    assert ranks[0]["score"] == pytest.approx(found["score"])
    assert sum(ranks[0]["shares"].values()) > 0
    assert {name for name, share in ranks[0]["shares"].items() if share > 0} >= set(
        found["matched"]
    )


def test_why_of_a_rank_says_what_is_not_found(stored):
    assert stored("inspect", "why", "--recall", "xylophone quux").exit_code == 3
    assert stored("inspect", "why", "mnobody", "--recall", "staging port?").exit_code != 0
    assert stored("inspect", "why").exit_code != 0


def test_why_explains_a_learned_pattern_by_its_evidence(observed):
    patterns = parsed(observed("inspect", "learned", "--json"))

    result = observed("inspect", "why", patterns[0]["pattern_id"])

    assert result.exit_code == OK
    shown = " ".join(result.stdout.split())
    assert patterns[0]["kind"] in shown
    assert "Seen once" in shown
    assert "evidence is thin" in shown


def test_why_explains_an_authored_pattern(tmws):
    result = tmws("inspect", "why", "memory.recall")

    assert "memory.recall" in result.stdout
    assert "what do you remember about the deployment" in result.stdout


@pytest.mark.parametrize("name", ["memory.nowhere", "no-such-id"])
def test_why_of_an_unknown_id_says_where_ids_are_listed(tmws, name):
    result = tmws("inspect", "why", name)

    assert result.exit_code == NOTHING
    assert "inspect memories" in result.stderr


def test_learned_patterns_are_listed_with_their_evidence(observed):
    result = observed("inspect", "learned")

    assert result.exit_code == OK
    assert "error_recovery" in result.stdout
    assert "configure" in result.stdout


def test_nothing_learned_is_said(tmws):
    result = tmws("inspect", "learned")

    assert result.exit_code == NOTHING
    assert "observe_interaction" in result.stdout


def test_patterns_of_the_server_are_listed(tmws):
    result = tmws("inspect", "patterns")

    assert result.exit_code == OK
    assert "infrastructure.health" in result.stdout


def test_a_process_is_spoken_to_over_stdio(stored):
    command = shlex.join([sys.executable, "-m", "tmws_mcp"])

    result = stored("inspect", "recall", "which port", "--command", command)

    assert result.exit_code == OK
    assert "port 8931" in result.stdout


def test_a_running_server_is_spoken_to_over_http(stored):
    serve = [sys.executable, "-m", "tmws_mcp", "serve", "--transport", "http", "--port", "0"]
    with subprocess.Popen(serve, stderr=subprocess.PIPE, text=True) as server:
        try:
            url = re.search(r"http://\S+", server.stderr.readline())[0]
            result = stored("inspect", "recall", "which port", "--url", url)
        finally:
            server.terminate()
            server.stderr.read()

    assert result.exit_code == OK
    assert "port 8931" in result.stdout


@pytest.mark.parametrize(
    ("target", "code"),
    [
        (["--command", "tmws-no-such-program"], FAILED),
        (["--command", f"{shlex.quote(sys.executable)} -c pass"], FAILED),
        (["--command", " "], USAGE),
        (["--command", "'unbalanced"], USAGE),
        (["--url", "http://127.0.0.1:1/mcp"], FAILED),
        (["--command", "a", "--url", "http://127.0.0.1:1/mcp"], USAGE),
    ],
)
def test_a_server_that_cannot_be_spoken_to_ends_the_command(tmws, target, code):
    result = tmws("inspect", "tools", *target)

    assert result.exit_code == code
    assert result.stderr
    assert "Traceback" not in result.stderr


def test_a_store_that_cannot_be_opened_is_an_error_with_a_remedy(tmws, home):
    home.mkdir()
    (home / "tmws.db").write_text("A letter to Ada. " * 100)

    result = tmws("inspect", "memories")

    assert result.exit_code == FAILED
    assert "TMWS_DB" in result.stderr


BARE = """
from mcp.server.mcpserver import MCPServer
server = MCPServer("bare", version="1")
@server.tool()
def add(a: int, b: int) -> int:
    "Add two numbers."
    return a + b
server.run()
"""


@pytest.fixture
def bare(tmp_path):
    """The command line of a server that is not ours."""
    script = tmp_path / "bare.py"
    script.write_text(BARE, "utf-8")
    return shlex.join([sys.executable, str(script)])


def test_another_programs_server_can_be_looked_into(tmws, bare):
    assert "Add two numbers." in tmws("inspect", "tools", "--command", bare).stdout

    reply = parsed(tmws("inspect", "call", "add", '{"a": 1, "b": 2}', "--command", bare, "--json"))
    assert reply["structured"] == {"result": 3}


@pytest.mark.parametrize("what", ["patterns", "learned"])
def test_what_another_programs_server_lacks_is_said(tmws, bare, what):
    result = tmws("inspect", what, "--command", bare, "--json")

    assert (result.exit_code, result.stdout) == (FAILED, "")
    assert "is not a tmws-mcp server" in result.stderr


def test_a_command_that_ends_at_once_is_named(tmws):
    command = f"{shlex.quote(sys.executable)} -c pass"

    assert command in tmws("inspect", "tools", "--command", command).stderr


def test_all_versions_of_a_memory_are_listed(stored):
    first = json.loads(stored("inspect", "recall", "port", "--json").stdout)["memories"][0]["id"]
    newer = json.dumps({"content": "D-1: The service listens on port 8932", "supersedes": first})
    second = json.loads(stored("inspect", "call", "store_memory", newer, "--json").stdout)

    told = stored("inspect", "memories", "--history", second["structured"]["id"])

    assert told.exit_code == OK
    assert "8931" in told.stdout
    assert "8932" in told.stdout


def test_both_a_command_and_a_url_are_refused(tmws):
    told = tmws("inspect", "tools", "--command", "x", "--url", "http://127.0.0.1:1/mcp")

    assert told.exit_code == USAGE
    assert "not both" in told.stderr


def test_a_resource_that_refuses_says_so_alike_with_and_without_the_protocol(stored):
    command = f"{sys.executable} -m tmws_mcp"
    local = stored("inspect", "diff", "2020-13-45")
    spoken = stored("inspect", "diff", "2020-13-45", "--command", command)

    assert local.exit_code == spoken.exit_code == FAILED
    assert local.stderr == spoken.stderr
    assert "is no day" in local.stderr
