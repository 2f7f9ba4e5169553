import json
from pathlib import Path

import pytest

from tmws_mcp.actions.upstream.config import Configured, read_servers
from tmws_mcp.errors import FileError


def read(tmp_path: Path, servers: object) -> Configured:
    file = tmp_path / "claude_desktop_config.json"
    file.write_text(json.dumps({"mcpServers": servers, "globalShortcut": "Alt+Space"}, indent=1))
    return read_servers(file)


def test_the_configuration_of_a_desktop_client_is_read(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        {
            "files": {"command": "npx", "args": ["-y", "files"], "env": {"A": "1"}, "autoStart": 1},
            "web": {"type": "http", "url": "https://example.org/mcp", "headers": {"X": "y"}},
        },
    )

    assert found.problems == ()
    assert found.servers["files"].args == ("-y", "files")
    assert found.servers["web"].url == "https://example.org/mcp"


def test_this_very_server_and_what_is_switched_off_are_left_out(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        {
            "tmws": {"command": "/usr/bin/uvx", "args": ["tmws-mcp"]},
            "again": {"command": "python3", "args": ["-m", "tmws_mcp"]},
            "off": {"command": "npx", "disabled": True},
        },
    )

    assert found == Configured({})


@pytest.mark.parametrize(
    ("server", "problem"),
    [
        ({}, "needs either a command or a url"),
        ({"command": "a", "url": "http://b"}, "needs either a command or a url"),
        ({"url": "ftp://example.org"}, "must begin with http"),
        ({"url": "http://x", "type": "sse"}, "HTTP\\+SSE is not spoken"),
        ({"command": ["npx"]}, "command: Input should be a valid string"),
        ({"command": "a", "args": ["x"] * 101}, "args: .* at most 100"),
        ("npx", "valid dictionary"),
    ],
)
def test_one_that_cannot_be_used_is_named_and_takes_no_other_with_it(
    tmp_path: Path, server: object, problem: str
) -> None:
    found = read(tmp_path, {"bad": server, "good": {"command": "npx"}})

    assert list(found.servers) == ["good"]
    with pytest.raises(FileError, match=f"json:3: mcpServers.bad: .*{problem}"):
        raise found.problems[0]


def test_secrets_are_not_repeated_in_problems(tmp_path: Path) -> None:
    found = read(tmp_path, {"bad": {"command": "a", "env": {"TOKEN": ["hunter2"]}}})

    assert "hunter2" not in str(found.problems)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"mcpServers": []}', "{"])
def test_a_file_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "servers.json"
    file.write_text(content)

    with pytest.raises(FileError, match=r"servers\.json"):
        read_servers(file)


def test_no_more_servers_than_the_limit(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="more than 50 servers"):
        read(tmp_path, {f"s{n}": {"command": "x"} for n in range(51)})
