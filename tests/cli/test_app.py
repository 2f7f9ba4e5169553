"""The command line as a whole."""

import os
import subprocess
import sys

import pytest

from tmws_mcp import __version__

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
