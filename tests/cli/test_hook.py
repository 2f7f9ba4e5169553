"""`tmws-mcp hook`: into a client's settings and out again, and what waits."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ingest.hook_events import worked

OK, FAILED, USAGE, NOTHING = 0, 1, 2, 3
THEIRS = {"matcher": "Edit", "hooks": [{"type": "command", "command": "fmt"}]}
OLD = {"model": "opus", "hooks": {"PostToolUse": [THEIRS]}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(OLD))
    return path


def test_hooks_are_added_beside_others_and_a_repeat_changes_nothing(tmws, file: Path) -> None:
    assert tmws("hook", "install", "claude-code", "--file", str(file)).exit_code == OK
    first = json.loads(file.read_text())
    again = tmws("hook", "install", "claude-code", "--file", str(file))

    assert first["model"] == "opus"
    assert first["hooks"]["PostToolUse"][0] == THEIRS
    assert set(first["hooks"]) == {
        "PostToolUse", "PostToolUseFailure", "SessionStart", "UserPromptSubmit", "SessionEnd",
    }  # fmt: skip
    assert json.loads(file.read_text()) == first
    assert "already" in again.stdout


def test_uninstalling_leaves_what_was_there_before(tmws, file: Path) -> None:
    tmws("hook", "install", "claude-code", "--file", str(file))

    assert tmws("hook", "uninstall", "claude-code", "--file", str(file)).exit_code == OK
    assert json.loads(file.read_text()) == OLD
    assert tmws("hook", "uninstall", "claude-code", "--file", str(file)).exit_code == NOTHING


def test_uninstalling_leaves_neither_file_nor_folder_where_there_was_none(
    tmws, tmp_path: Path
) -> None:
    path = tmp_path / "project" / ".claude" / "settings.json"
    path.parent.parent.mkdir()
    for _ in range(2):
        tmws("hook", "install", "claude-code", "--file", str(path))
        told = tmws("hook", "uninstall", "claude-code", "--file", str(path))

        assert told.exit_code == OK
        assert "is removed" in told.stdout
        assert list(path.parent.parent.iterdir()) == []


def test_uninstalling_keeps_a_file_that_was_empty_before_and_a_folder_that_holds_more(
    tmws, tmp_path: Path
) -> None:
    path = tmp_path / ".claude" / "settings.json"
    path.parent.mkdir()
    path.write_text("{}")
    beside = path.with_name("settings.local.json")
    tmws("hook", "install", "claude-code", "--file", str(path))
    tmws("hook", "install", "claude-code", "--file", str(beside))

    tmws("hook", "uninstall", "claude-code", "--file", str(path))
    tmws("hook", "uninstall", "claude-code", "--file", str(beside))

    assert json.loads(path.read_text()) == {}
    assert not beside.exists()


def test_what_is_installed_runs_and_is_taken_in(tmws, file: Path) -> None:
    tmws("hook", "install", "claude-code", "--file", str(file), "--namespace", "test")
    hook = json.loads(file.read_text())["hooks"]["PostToolUse"][1]["hooks"][0]
    done = subprocess.run(
        shlex.split(hook["command"]), input=json.dumps(worked("Bash")).encode(),
        capture_output=True, timeout=60, check=True,
    )  # fmt: skip

    status = tmws("hook", "status", "claude-code", "--file", str(file), "--json")
    drained = tmws("hook", "drain")

    assert (done.stdout, done.stderr) == (b"", b"")
    assert json.loads(status.stdout) == {
        "file": str(file), "installed": True, "waiting": 1, "bad": 0, "problem": None, "gone": [],
    }  # fmt: skip
    assert "1 events taken in" in drained.stdout
    assert tmws("hook", "drain").exit_code == NOTHING


def test_status_says_that_nothing_is_installed(tmws, file: Path) -> None:
    told = tmws("hook", "status", "claude-code", "--file", str(file))

    assert told.exit_code == NOTHING
    assert "not installed" in told.stdout


def test_settings_that_are_not_understood_are_left_alone(tmws, file: Path) -> None:
    file.write_text('{"hooks": []}')

    told = tmws("hook", "install", "claude-code", "--file", str(file))

    assert told.exit_code == FAILED
    assert file.read_text() == '{"hooks": []}'


@pytest.mark.parametrize("words", [("emacs",), ("claude-code", "--scope", "world")])
def test_unknown_clients_and_scopes_name_the_known_ones(tmws, words: tuple[str, ...]) -> None:
    told = tmws("hook", "install", *words)

    assert told.exit_code == USAGE
    assert "Known" in told.stderr


def test_hooks_are_not_installed_out_of_a_cache_that_may_be_emptied(
    tmws, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/home/ana/.cache/uv/archive-v0/x1/bin/python")

    told = tmws("hook", "install", "claude-code", "--file", str(file))

    assert told.exit_code == USAGE
    assert "uv tool install" in told.stderr
    assert json.loads(file.read_text()) == OLD


def test_hooks_whose_program_is_gone_are_told_of(
    tmws, file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "old venv" / "bin" / "python"))
    tmws("hook", "install", "claude-code", "--file", str(file))

    told = tmws("hook", "status", "claude-code", "--file", str(file))

    assert told.exit_code == FAILED
    assert "old venv/bin/python, which is gone" in told.stdout.replace("\n", "")
