"""Pattern files can be checked without a store."""

import json

import pytest

OK, FAILED, USAGE, NOTHING = 0, 1, 2, 3

GOOD = """\
id: memory.ports
route: memory
summary: Recall what is known about ports
triggers: {exact: [which ports]}
examples: {match: [which ports]}
steps:
  - {name: ports, recall: ports}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of the user's own that the server loads."""
    (tmp_path / "mine" / "memory").mkdir(parents=True)
    monkeypatch.setenv("TMWS_PATTERN_DIRS", str(tmp_path / "mine"))
    return tmp_path / "mine" / "memory"


def test_the_shipped_patterns_pass(tmws):
    result = tmws("patterns", "check", "--json")

    assert result.exit_code == OK
    said = json.loads(result.stdout)
    assert said["patterns"] >= 16
    assert said["problems"] == []


def test_a_problem_is_named_with_file_and_line(tmws, folder):
    file = folder / "ports.yaml"
    file.write_text(GOOD.replace("[which ports]}\nsteps", "[which ports, git status]}\nsteps"))

    result = tmws("patterns", "check", str(folder.parent))

    assert result.exit_code == FAILED
    assert f"{file}:5" in result.stdout.replace("\n", "")
    assert "git status" in result.stdout


def test_a_regex_that_re2_refuses_is_a_problem(tmws, folder):
    bad = GOOD.replace("{exact: [which ports]}", "{regex: ['(?<!x)ports']}")
    (folder / "ports.yaml").write_text(bad)

    result = tmws("patterns", "check", "--json")

    [problem] = json.loads(result.stdout)["problems"]
    assert result.exit_code == FAILED
    assert "RE2" in problem["problem"]


def test_a_folder_that_is_not_there_is_a_problem(tmws, tmp_path):
    result = tmws("patterns", "check", str(tmp_path / "nowhere"))

    assert result.exit_code == FAILED
    assert "nowhere" in result.stdout


def test_list_shows_shipped_and_own_patterns_with_their_files(tmws, folder):
    (folder / "ports.yaml").write_text(GOOD)

    result = tmws("patterns", "list", "--json")

    listed = {pattern["id"]: pattern for pattern in json.loads(result.stdout)}
    assert result.exit_code == OK
    assert listed["memory.ports"]["file"] == str(folder / "ports.yaml")
    assert "infrastructure.health" in listed


def test_list_for_people_names_a_broken_file_too(tmws, folder):
    (folder / "ports.yaml").write_text("id: [")

    result = tmws("patterns", "list")

    assert "memory.recall" in result.stdout
    assert "ports.yaml" in result.stdout


def test_why_names_the_pattern_its_file_and_its_rivals(tmws, folder):
    (folder / "ports.yaml").write_text(GOOD.replace("which ports", "git status"))

    result = tmws("patterns", "why", "git status")

    assert result.exit_code == OK
    assert "exact" in result.stdout
    assert "memory.ports" in result.stdout
    assert "infrastructure.workspace" in result.stdout


def test_why_of_a_query_that_nothing_matches_gives_the_closest(tmws):
    result = tmws("patterns", "why", "health benefits of green tea", "--json")

    match = json.loads(result.stdout)["match"]
    assert result.exit_code == NOTHING
    assert match["pattern"] is None
    assert "infrastructure.health" in match["closest"]
