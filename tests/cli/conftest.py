"""A command line in this process, on a store of its own."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio

# The SDK keeps the stderr that it finds when it is loaded, for the servers that it starts: it must
# be the real one, and not what a command run within a test writes to.
import mcp.client.stdio  # noqa: F401
import pytest
from typer.testing import CliRunner, Result

from tmws_mcp.cli.app import app
from tmws_mcp.engine import open_engine
from tmws_mcp.settings import Settings

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


@pytest.fixture
def full(tmws: Run) -> Run:
    """The command line, on a store that holds something of every kind: 237 memories."""
    anyio.run(fill, Settings.load())
    return tmws


@pytest.fixture
def another_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let the commands that follow work on a fresh store."""
    return lambda: monkeypatch.setenv("TMWS_HOME", str(tmp_path / "second"))


async def fill(settings: Settings) -> None:
    """Store something of every kind: versions, threads, links, what is forgotten or expires."""
    async with open_engine(settings) as engine:
        old = await engine.store_memory({"content": "The port is 1.", "tags": ["net"]})
        new = await engine.store_memory({"content": "The port is 2.", "supersedes": old.id})
        await engine.store_memory({"content": "The port is 3.", "supersedes": new.id})
        for i in range(230):
            await engine.store_memory({"content": f"talk {i}", "thread": "t", "persona": "athena"})
        near = "Deploys happen on Friday in the evening"
        await engine.store_memory({"content": f"{near}."})
        await engine.store_memory({"content": f"{near}!", "trust": "tool"})
        gone = await engine.store_memory({"content": "Forgotten one", "thread": "t"})
        await engine.store_memory(
            {"content": "Soon gone", "expires_at": "9999-12-31T23:59:59Z", "namespace": "b/c"}
        )
        await engine.store_memory(
            {"content": "日本\u2028語 \t“…”", "occurred_at": "1919-05-06T07:08:09.123456+02:00"}
        )
        await engine.forget_memory({"ids": [gone.id]})
