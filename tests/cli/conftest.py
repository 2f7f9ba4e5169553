"""A command line in this process, on a store of its own."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tmws_mcp.cli.app import app

Run = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def tmws(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run a command: `tmws("inspect", "tools")`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLAUDE_PROJECT_DIR", raising=False)
    monkeypatch.setenv("TMWS_HOME", str(home))
    monkeypatch.setenv("TMWS_NAMESPACE", "test")

    def run(*arguments: str, input: str | None = None) -> Result:  # noqa: A002
        result = CliRunner().invoke(app, list(arguments), input=input)
        crashed = result.exception is not None and not isinstance(result.exception, SystemExit)
        assert not crashed, repr(result.exception)
        return result

    handlers = logging.root.handlers[:]
    yield run
    logging.root.handlers[:] = handlers  # the commands send their log to a stderr that is gone


@pytest.fixture
def stored(tmws: Run) -> Run:
    """The command line, on a store that holds three memories."""
    for content in (
        '{"content": "D-1: The service listens on port 8931", "tags": ["decision"]}',
        '{"content": "Releases happen on Tuesday", "kind": "procedural", "thread": "plan"}',
        '{"content": "The lights are green", "speaker": "Hestia"}',
    ):
        assert tmws("inspect", "call", "store_memory", content).exit_code == 0
    return tmws
