"""The kinds of traces that can be read, by name."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tmws_mcp import plugins
from tmws_mcp.errors import InvalidInput, PluginBroken
from tmws_mcp.ingest import claude_code, jsonl, messages, otel
from tmws_mcp.ingest.files import Advance, Complain
from tmws_mcp.model import Interaction


@dataclass(frozen=True, slots=True)
class Source:
    """A kind of trace."""

    about: str
    suffixes: Sequence[str]
    read: Callable[[Path, Complain, Advance], Iterator[Interaction]]
    home: Path | None = None
    """Where its files lie unless a path is given."""


SOURCES: Final = {
    "claude-code": Source(
        "Claude Code's transcripts", claude_code.SUFFIXES, claude_code.read, claude_code.HOME
    ),
    "messages": Source("message logs with OpenAI's tool calls", messages.SUFFIXES, messages.read),
    "otel": Source("OpenTelemetry GenAI spans as OTLP JSON", otel.SUFFIXES, otel.read),
    "jsonl": Source("JSON lines as observe_interaction takes them", jsonl.SUFFIXES, jsonl.read),
}


def source(name: str) -> Source:
    """Return a kind of trace by its name, of an installed package too.

    Raises:
        InvalidInput: There is none of that name.
        PluginBroken: The package that brings it cannot be used.
    """
    if name in SOURCES:
        return SOURCES[name]
    added = plugins.usable(plugins.SOURCES, SOURCES)
    if name not in added:
        known = [f"{name}: {one.about}" for name, one in SOURCES.items()] + list(added)
        raise InvalidInput(f"There is no source {name!r}. Known are {'; '.join(known)}.")
    found = plugins.load(plugins.SOURCES, name)
    if not isinstance(found, Source):
        raise PluginBroken(plugins.origin(plugins.SOURCES, name), "it must be a Source")
    return found
