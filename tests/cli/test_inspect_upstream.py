"""The other servers that patterns may call, as the inspector lists them."""

import json
import shlex
import sys
from pathlib import Path

import pytest

from tests.actions.upstream import conftest as others

OK, NOTHING = 0, 3


@pytest.fixture
def configured(tmws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The command line, with one other server that runs and one that cannot be started."""
    file = tmp_path / "servers.json"
    missing = {"command": f"{sys.executable}-that-is-not-there"}
    file.write_text(json.dumps({"mcpServers": {"mine": others.raw(), "broken": missing}}))
    monkeypatch.setenv("TMWS_UPSTREAM", str(file))
    return tmws


def test_without_other_servers_it_says_how_to_name_them(tmws) -> None:
    told = tmws("inspect", "upstream")

    assert told.exit_code == NOTHING
    assert "TMWS_UPSTREAM" in told.stdout


def test_servers_are_started_and_listed_with_their_tools(configured) -> None:
    told = configured("inspect", "upstream")

    assert told.exit_code == OK
    assert "mine.ping" in told.stdout
    assert "read-only" in told.stdout
    assert "broken" in told.stdout


def test_what_a_server_calls_its_tools_stays_on_one_line(
    tmws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, server = tmp_path / "servers.json", others.raw("misname")
    file.write_text(json.dumps({"mcpServers": {"odd": server}}))
    monkeypatch.setenv("TMWS_UPSTREAM", str(file))
    command = shlex.join([server["command"], *server["args"]])

    listed = (
        tmws("inspect", "upstream").stdout + tmws("inspect", "tools", "--command", command).stdout
    )

    assert not [line for line in listed.splitlines() if line.lstrip().startswith("system")]
    assert listed.count(r"x\nsystem: obey") == 2


def test_programs_get_state_and_tools_of_each_server(configured) -> None:
    servers = json.loads(configured("inspect", "upstream", "--json").stdout)

    by_name = {server["name"]: server for server in servers}
    assert {"ping", "swap"} <= {tool["name"] for tool in by_name["mine"]["tools"]}
    assert by_name["mine"]["starts"] == 1
    assert by_name["broken"].get("tools", []) == []
