"""`tmws-mcp import`: what agents did before is learned, once."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.ingest import transcripts
from tests.ingest.transcripts import SECRET, write
from tmws_mcp.ingest.sources import SOURCES

OK, FAILED, USAGE, NOTHING = 0, 1, 2, 3


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    project = tmp_path / "projects" / "-home-ana-parser"
    project.mkdir(parents=True)
    write(project / "one.jsonl", transcripts.session())
    return tmp_path / "projects"


def test_transcripts_are_learned_and_a_repeat_learns_nothing_more(tmws, folder: Path) -> None:
    first = json.loads(tmws("import", "claude-code", str(folder), "--json").stdout)
    again = json.loads(tmws("import", "claude-code", str(folder), "--json").stdout)

    assert (first["calls"], first["failed"], first["sessions"]) == (3, 1, 1)
    assert first["observed"] == 4  # its end too
    assert again["observed"] == 0
    assert first["tools"] == {"Bash": 2, "Edit": 1}


def test_a_transcript_that_went_on_adds_what_is_new(tmws, folder: Path) -> None:
    tmws("import", "claude-code", str(folder))
    file = next(folder.rglob("*.jsonl"))
    with file.open("a") as lines:
        lines.write(json.dumps(transcripts.answered(3, "all green", 12)) + "\n")

    again = json.loads(tmws("import", "claude-code", str(folder), "--json").stdout)

    assert again["observed"] == 2  # the call, and the end of its run


def test_what_was_learned_is_recommended(tmws, folder: Path) -> None:
    tmws("import", "claude-code", str(folder))

    asked = {"recent_steps": [{"tool": "Bash", "ok": False, "error": "make: no rule"}]}
    reply = tmws("inspect", "call", "get_recommendations", json.dumps(asked))

    assert "Edit" in reply.stdout


def test_secrets_are_not_kept(tmws, folder: Path, home: Path) -> None:
    tmws("import", "claude-code", str(folder))

    stored = [file.read_bytes() for file in home.rglob("*") if file.is_file()]
    assert stored
    assert not any(SECRET.encode() in content for content in stored)


def test_a_dry_run_says_what_would_be_learned_and_changes_nothing(
    tmws, folder: Path, home: Path
) -> None:
    told = tmws("import", "claude-code", str(folder), "--dry-run")

    assert told.exit_code == OK
    assert "1 sessions with 3 tool calls, 1 failed; 4 would be observed" in told.stdout
    assert not list(home.rglob("*.db"))


def test_other_records_are_known_too(tmws, tmp_path: Path) -> None:
    log, spans = tmp_path / "log.json", tmp_path / "spans.json"
    log.write_text(json.dumps(transcripts.conversation()))
    spans.write_text(json.dumps(transcripts.spans()))

    assert json.loads(tmws("import", "messages", str(log), "--json").stdout)["calls"] == 2
    assert json.loads(tmws("import", "otel", str(spans), "--json").stdout)["calls"] == 2


def test_bad_lines_are_named_and_end_it_with_a_failure(tmws, folder: Path) -> None:
    (folder / "two.jsonl").write_text("{\n")

    told = tmws("import", "claude-code", str(folder))

    assert told.exit_code == FAILED
    assert "two.jsonl:1: is no JSON" in told.stderr


def test_an_unknown_source_names_those_that_are_known(tmws) -> None:
    told = tmws("import", "gemini", "x")

    assert told.exit_code == USAGE
    assert "claude-code" in told.stderr


def test_nothing_found_has_an_exit_code_of_its_own(tmws, tmp_path: Path) -> None:
    write(tmp_path / "empty.jsonl", [])
    folder = tmp_path / "folder"
    folder.mkdir()

    assert tmws("import", "jsonl", str(tmp_path / "empty.jsonl")).exit_code == NOTHING
    none = tmws("import", "jsonl", str(folder), "--json")
    assert (none.exit_code, json.loads(none.stdout)["files"]) == (NOTHING, 0)
    assert none.stderr == f"{folder} holds no file that ends in .jsonl.\n"


def test_who_has_no_transcripts_has_nothing_to_import_but_a_wrong_path_is_a_failure(
    tmws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = tmp_path / "away"
    monkeypatch.setitem(SOURCES, "claude-code", replace(SOURCES["claude-code"], home=away))

    none = tmws("import", "claude-code")
    assert (none.exit_code, str(away) in none.stderr) == (NOTHING, True)
    assert tmws("import", "claude-code", str(away)).exit_code == FAILED


def test_a_file_that_is_known_is_not_read_again_until_it_changes(tmws, folder: Path) -> None:
    write(folder / "two.jsonl", [dict(one, sessionId="two") for one in transcripts.session()])

    def imported() -> tuple[int, int, int]:
        told = tmws("import", "claude-code", str(folder), "--json")
        assert told.exit_code == OK
        found = json.loads(told.stdout)
        return found["files_known"], found["calls"], found["observed"]

    first, again = imported(), imported()
    with (folder / "two.jsonl").open("a") as lines:
        lines.write(json.dumps(transcripts.answered(3, "all green", 12, sessionId="two")) + "\n")
    went_on = imported()

    assert (first, again) == ((0, 6, 8), (2, 0, 0))
    assert went_on == (1, 4, 2)
    assert "2 of them known already" in tmws("import", "claude-code", str(folder)).stdout


def test_what_was_forgotten_is_learned_again_from_the_same_files(tmws, folder: Path) -> None:
    tmws("import", "claude-code", str(folder))
    assert tmws("learned", "forget", "--all", "--erase", "--yes").exit_code == OK

    again = json.loads(tmws("import", "claude-code", str(folder), "--json").stdout)

    assert (again["files_known"], again["observed"]) == (0, 4)


def test_a_log_that_was_deleted_is_not_counted_twice(tmws, folder: Path) -> None:
    """What was learned from it stays, and so does what is known of its files."""
    tmws("import", "claude-code", str(folder))
    assert tmws("observations", "delete", "--yes").exit_code == OK

    again = json.loads(tmws("import", "claude-code", str(folder), "--json").stdout)

    assert (again["files_known"], again["observed"]) == (1, 0)


def test_what_is_known_is_known_of_a_source_and_a_namespace(tmws, folder: Path) -> None:
    tmws("import", "claude-code", str(folder))

    elsewhere = tmws("import", "claude-code", str(folder), "--namespace", "other", "--json")
    otherwise = tmws("import", "messages", str(folder), "--json")

    assert json.loads(elsewhere.stdout)["observed"] == 4
    assert json.loads(otherwise.stdout)["files_known"] == 0


def test_a_file_with_a_bad_line_is_told_of_each_time(tmws, folder: Path) -> None:
    (folder / "two.jsonl").write_text("{\n")

    told = [tmws("import", "claude-code", str(folder)) for _ in range(2)]

    assert [one.exit_code for one in told] == [FAILED, FAILED]
    assert "two.jsonl:1: is no JSON" in told[1].stderr
    assert "1 of them known already" in told[1].stdout


def test_a_file_of_which_something_was_refused_is_told_of_each_time(tmws, tmp_path: Path) -> None:
    file = tmp_path / "steps.jsonl"
    write(file, [{"tool_used": "make", "session_id": "s", "step": 1}, {"session_id": "s"}])

    told = [json.loads(tmws("import", "jsonl", str(file), "--json").stdout) for _ in range(2)]

    assert [(one["files_known"], one["bad"], one["observed"]) for one in told] == [
        (0, 1, 1),
        (0, 1, 0),
    ]


def test_nothing_is_known_of_files_while_observing_is_paused(tmws, folder: Path) -> None:
    tmws("import", "claude-code", str(folder))
    write(folder / "two.jsonl", [dict(one, sessionId="two") for one in transcripts.session()])
    assert tmws("observations", "pause").exit_code == OK
    tmws("import", "claude-code", str(folder))
    assert tmws("observations", "resume").exit_code == OK

    again = json.loads(tmws("import", "claude-code", str(folder), "--json").stdout)

    assert (again["files_known"], again["observed"]) == (1, 4)
