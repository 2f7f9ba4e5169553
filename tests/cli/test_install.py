"""`tmws-mcp install`: a client's configuration gains one entry and loses nothing."""

import json
import os
import sys
from pathlib import Path

import pytest

from tmws_mcp.cli import clients, jsonfile

OK, FAILED, USAGE, NOTHING = 0, 1, 2, 3


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "client.json"


def test_a_client_gets_an_entry_that_starts_this_server(tmws, file: Path) -> None:
    told = tmws("install", "claude-desktop", "--file", str(file))

    assert told.exit_code == OK
    entry = json.loads(file.read_text())["mcpServers"]["tmws"]
    assert Path(entry["command"]).exists()
    assert "Quit Claude Desktop" in told.stdout


def test_what_else_is_in_the_file_stays_and_the_old_file_is_kept(tmws, file: Path) -> None:
    old = {"theme": "dark", "mcpServers": {"other": {"command": "x"}}, "größe": 1}
    file.write_text(json.dumps(old))
    file.chmod(0o640)

    told = json.loads(tmws("install", "cursor", "--file", str(file), "--json").stdout)

    new = json.loads(file.read_text())
    assert {**new, "mcpServers": {"other": new["mcpServers"]["other"]}} == old
    assert json.loads(Path(told["backup"]).read_text()) == old
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_repeat_changes_nothing(tmws, file: Path) -> None:
    tmws("install", "cursor", "--file", str(file))
    before = file.read_bytes()

    told = tmws("install", "cursor", "--file", str(file))

    assert told.exit_code == OK
    assert "already" in told.stdout
    assert file.read_bytes() == before
    assert list(file.parent.glob(f"*{jsonfile.MARK}*")) == []


def test_uninstalling_takes_out_what_installing_put_in(tmws, file: Path) -> None:
    file.write_text('{"mcpServers": {"other": {"command": "x"}}}')
    tmws("install", "claude-code", "--file", str(file), "--namespace", "team")
    assert json.loads(file.read_text())["mcpServers"]["tmws"]["env"] == {"TMWS_NAMESPACE": "team"}

    assert tmws("uninstall", "claude-code", "--file", str(file)).exit_code == OK
    assert json.loads(file.read_text()) == {"mcpServers": {"other": {"command": "x"}}}
    assert tmws("uninstall", "claude-code", "--file", str(file)).exit_code == NOTHING


def test_uninstalling_leaves_no_file_where_there_was_none(tmws, file: Path) -> None:
    tmws("install", "cursor", "--file", str(file))

    would = tmws("uninstall", "cursor", "--file", str(file), "--dry-run")
    assert file.exists()
    done = tmws("uninstall", "cursor", "--file", str(file))

    assert "would be removed" in would.stdout
    assert "is removed" in done.stdout
    assert list(file.parent.glob(f"{file.name}*")) == []


@pytest.mark.parametrize("content", ["", "{}", '{"mcpServers": {}}'])
def test_uninstalling_leaves_a_file_that_was_there_though_it_is_empty(
    tmws, file: Path, content: str
) -> None:
    file.write_text(content)
    tmws("install", "cursor", "--file", str(file))
    tmws("uninstall", "cursor", "--file", str(file))

    assert json.loads(file.read_text()) == {"mcpServers": {}}


def test_a_dry_run_shows_the_difference_and_writes_nothing(tmws, file: Path) -> None:
    told = tmws("install", "vscode", "--file", str(file), "--dry-run")

    assert '+    "tmws"' in told.stdout
    assert '"type": "stdio"' in told.stdout
    assert not file.exists()


@pytest.mark.parametrize("content", ['{"a": 1, // why\n}', "[1]", '{"mcpServers": []}'])
def test_a_file_that_is_not_understood_is_left_alone(tmws, file: Path, content: str) -> None:
    file.write_text(content)

    told = tmws("install", "cursor", "--file", str(file))

    assert told.exit_code == FAILED
    assert str(file) in told.stderr
    assert file.read_text() == content


def test_only_the_latest_backups_are_kept(file: Path) -> None:
    file.write_text("{}")
    for number in range(jsonfile.BACKUPS_MAX + 3):
        jsonfile.replace(file, {"n": number})

    kept = sorted(file.parent.glob(f"*{jsonfile.MARK}*"))
    assert len(kept) == jsonfile.BACKUPS_MAX
    assert json.loads(kept[-1].read_text()) == {"n": jsonfile.BACKUPS_MAX + 1}


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_link_stays_a_link(tmws, file: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "mcp.json"
    real.parent.mkdir()
    real.write_text("{}")
    file.symlink_to(real)

    tmws("install", "cursor", "--file", str(file))

    assert file.is_symlink()
    assert "tmws" in json.loads(real.read_text())["mcpServers"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_cannot_be_written_is_said(tmws, tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)

    told = tmws("install", "cursor", "--file", str(folder / "mcp.json"))

    assert (told.exit_code, "cannot be written" in told.stderr) == (FAILED, True)


def test_an_unknown_client_names_those_that_are_known(tmws) -> None:
    told = tmws("install", "emacs")

    assert told.exit_code == USAGE
    assert "claude-desktop" in told.stderr


def test_an_environment_that_will_not_last_is_started_by_uvx(monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/home/ana/.cache/uv/archive-v0/x1/bin/tmws-mcp"])
    assert clients.command() == ["uvx", "tmws-mcp"]

    monkeypatch.setattr(sys, "argv", ["/opt/tmws/bin/tmws-mcp"])
    assert clients.command()[0].endswith("tmws-mcp")
    assert Path(clients.command()[0]).is_absolute()

    monkeypatch.setattr(sys, "argv", ["/opt/x/__main__.py"])
    assert clients.command() == [sys.executable, "-m", "tmws_mcp"]


def test_each_client_has_its_file_where_it_looks_for_it(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setenv("HOME", str(tmp_path))
    path = clients.CLIENTS["claude-desktop"].path()

    assert path == (
        tmp_path / "Library" / "Application Support" / "Claude" / "claude_desktop_config.json"
    )
    assert clients.CLIENTS["cursor"].path() == tmp_path / ".cursor" / "mcp.json"
