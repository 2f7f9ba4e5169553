"""What was learned is forgotten, brought back and looked after from the command line."""

import json

import pytest

OK, FAILED, USAGE, NOTHING = 0, 1, 2, 3


@pytest.fixture
def taught(tmws):
    for number in range(3):
        arguments = {
            "session_id": f"s{number}",
            "task": "mend the build",
            "interactions": [{"tool_used": "configure"}, {"tool_used": "make"}],
            "outcome": "success",
        }
        call = tmws("inspect", "call", "observe_interaction", json.dumps(arguments))
        assert call.exit_code == OK
    return tmws


def listed(tmws, *options):
    return json.loads(tmws("inspect", "learned", "--json", *options).stdout)


def test_forgetting_asks_first_and_can_be_undone(taught):
    unasked = taught("learned", "forget", "--task", "Mend the build")
    assert unasked.exit_code == FAILED
    assert "Would forget" in unasked.stdout
    assert len(listed(taught)) == 3

    done = taught("learned", "forget", "--task", "Mend the build", "--yes")
    assert done.exit_code == OK
    assert listed(taught) == []
    undo = json.loads(taught("observations", "status", "--json").stdout)["forgotten"][0]["undo"]
    assert f"learned undo {undo}" in done.stdout

    assert taught("learned", "undo", undo).exit_code == OK
    assert len(listed(taught)) == 3
    assert taught("learned", "undo", undo).exit_code == NOTHING


def test_a_dry_run_forgets_nothing(taught):
    result = taught("learned", "forget", "--all", "--dry-run", "--json")

    assert result.exit_code == OK
    assert json.loads(result.stdout)["rows"]["learned patterns"] == 3
    assert len(listed(taught)) == 3


def test_erasing_leaves_nothing_to_undo(taught, home):
    result = taught("learned", "forget", "--tool", "configure", "--erase", "--yes")

    assert "erased" in result.stdout
    assert not any(b"configure" in file.read_bytes() for file in home.glob("tmws.db*"))


def test_what_was_forgotten_can_be_erased_before_its_time(taught, home):
    assert taught("learned", "forget", "--tool", "configure", "--yes").exit_code == OK
    undo = json.loads(taught("observations", "status", "--json").stdout)["forgotten"][0]["undo"]
    assert any(b"configure" in file.read_bytes() for file in home.glob("tmws.db*"))

    assert taught("learned", "erase", undo).exit_code == OK

    assert not any(b"configure" in file.read_bytes() for file in home.glob("tmws.db*"))
    assert taught("learned", "undo", undo).exit_code == NOTHING


def test_nothing_to_forget_is_said(taught):
    assert taught("learned", "forget", "--tool", "nobody", "--yes").exit_code == NOTHING
    assert taught("learned", "forget", "--yes").exit_code == USAGE
    assert taught("learned", "forget", "feed", "--yes").exit_code == NOTHING


def test_observing_is_paused_for_all_until_it_is_resumed(taught):
    assert taught("observations", "pause", "a demo").exit_code == OK
    call = taught("inspect", "call", "observe_interaction", '{"tool_used": "rm"}', "--json")
    answer = json.loads(call.stdout)
    status = json.loads(taught("observations", "status", "--json").stdout)

    assert answer["structured"]["observed"] == 0
    assert "a demo" in answer["structured"]["paused"]
    assert "Nothing was recorded" in answer["text"]
    piped = taught("observe", "--jsonl", "-", input='{"tool_used": "rm"}\n')
    assert (piped.exit_code, "a demo" in piped.stdout) == (FAILED, True)
    assert (status["steps"], "a demo" in status["paused"]) == (6, True)
    assert taught("observations", "resume").exit_code == OK
    assert taught("observations", "resume").exit_code == NOTHING
    assert "yes" in taught("observations", "status").stdout


def test_the_log_is_deleted_and_what_was_learned_stays(taught):
    assert taught("observations", "delete").exit_code == FAILED
    assert taught("observations", "delete", "--older-than", "7", "--yes").exit_code == NOTHING
    assert taught("observations", "delete", "--dry-run").exit_code == OK
    assert taught("observations", "delete", "--yes").exit_code == OK

    assert json.loads(taught("observations", "status", "--json").stdout)["steps"] == 0
    assert len(listed(taught)) == 3


def test_what_was_learned_is_carried_to_another_namespace(taught, tmp_path):
    file = tmp_path / "learned.jsonl"
    assert taught("learned", "export", str(file)).exit_code == OK
    written = file.read_text()

    first = taught("learned", "import", str(file), "--namespace", "other", "--json")
    again = taught("learned", "import", str(file), "--namespace", "other", "--json")

    assert json.loads(first.stdout)["patterns"] == 3
    assert (json.loads(again.stdout)["patterns"], json.loads(again.stdout)["slots"]) == (0, 0)
    assert taught("learned", "export", "--namespace", "other").stdout == written
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_bad_line_is_named_and_the_rest_is_taken_in(taught):
    lines = taught("learned", "export").stdout.splitlines()
    damaged = [lines[0], "{", lines[1].replace("configure", "rm").replace("make", "rm"), *lines[2:]]
    text = "\n".join(damaged)

    result = taught("learned", "import", "-", "--namespace", "other", "--json", input=text)

    report = json.loads(result.stdout)
    assert result.exit_code == FAILED
    assert (report["bad"], report["patterns"]) == (2, 2)
    assert "line 2" in result.stderr
    assert "line 3" in result.stderr


def test_another_kind_of_file_is_refused(taught):
    result = taught("learned", "import", "-", input='{"tool_used": "rm"}\n')

    assert result.exit_code == USAGE
    assert "learned export" in result.stderr


def test_nothing_to_export_is_said(tmws):
    assert tmws("learned", "export").exit_code == NOTHING
