"""The kinds of traces that can be read, by name."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

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
