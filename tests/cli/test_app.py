"""The command line as a whole."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tmws_mcp import __version__
from tmws_mcp.cli.parts import PARTS, loaded

USAGE = 2


def test_the_version_is_told(tmws):
    result = tmws("--version")

    assert (result.exit_code, result.stdout) == (0, f"tmws-mcp {__version__}\n")


@pytest.mark.parametrize(
    "arguments", [["no-such-command"], ["observe"], ["serve", "--transport", "carrier-pigeon"]]
)
def test_wrong_usage_ends_with_code_2(tmws, arguments):
    result = tmws(*arguments)

    assert result.exit_code == USAGE
    assert result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="a closed pipe is told otherwise there")
def test_a_reader_that_has_seen_enough_gets_no_traceback():
    command = [sys.executable, "-m", "tmws_mcp", "demo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as demo:
        assert demo.stdout is not None
        assert demo.stderr is not None
        demo.stdout.read(1)
        demo.stdout.close()
        complaint = demo.stderr.read().decode()

    assert "Traceback" not in complaint


INTERRUPTED_WHILE_IMPORTING = """
import builtins, sys
before = builtins.__import__
def interrupted(name, *args, **kwargs):
    if name == "typer":
        raise KeyboardInterrupt
    return before(name, *args, **kwargs)
builtins.__import__ = interrupted
sys.argv = ["tmws-mcp", "demo"]
from tmws_mcp.__main__ import main
main()
"""


def test_an_interrupt_ends_it_without_a_traceback_from_the_beginning():
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_WHILE_IMPORTING], capture_output=True, check=False
    )

    assert (done.returncode, done.stderr) == (130, b"")


def test_a_shell_is_told_what_may_come_next() -> None:
    """It asks without arguments, as a client does that wants to be served."""
    asks = {"_TMWS_MCP_COMPLETE": "complete_bash", "COMP_WORDS": "tmws-mcp inspect w"}
    done = subprocess.run(
        [sys.executable, "-c", "from tmws_mcp.__main__ import main; main()"],
        env={**os.environ, **asks, "COMP_CWORD": "2"}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip

    assert done.stdout.split() == ["why", "watch"]


@pytest.mark.parametrize("name", PARTS)
def test_the_list_of_commands_says_what_each_says_of_itself(name: str) -> None:
    told = loaded(name).help.split("\n\n")[0]

    assert PARTS[name].help == " ".join(told.split())


LOADED = """
import sys
from tmws_mcp.__main__ import main
try:
    main()
finally:
    print(*[name for name in {names} if name in sys.modules], file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("arguments", "environment", "too_heavy"),
    [
        (["--help"], {}, ["pydantic", "tmws_mcp.settings", "tmws_mcp.cli.inspector", "mcp"]),
        ([], {"COMP_WORDS": "tmws-mcp in", "COMP_CWORD": "1"}, ["tmws_mcp.settings", "mcp"]),
        ([], {"COMP_WORDS": "tmws-mcp inspect w", "COMP_CWORD": "2"}, ["tmws_mcp.engine", "mcp"]),
        (["hook", "status", "claude-code"], {}, ["mcp", "numpy", "tmws_mcp.store", "apsw"]),
        (["inspect", "stats", "--json"], {}, ["mcp", "mcp_types", "rich", "fastapi"]),
    ],
)
def test_a_command_loads_only_what_it_needs(
    tmp_path: Path, arguments: list[str], environment: dict[str, str], too_heavy: list[str]
) -> None:
    completes = {"_TMWS_MCP_COMPLETE": "complete_bash"} if environment else {}
    done = subprocess.run(
        [sys.executable, "-c", LOADED.format(names=too_heavy), *arguments],
        env={**os.environ, **environment, **completes, "TMWS_HOME": str(tmp_path)},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert done.stdout
    assert done.stderr.split() == []
