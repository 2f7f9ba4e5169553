"""Where the demo's story is played: calls to a running server, their cost, what was promised."""

import time
from dataclasses import dataclass, field
from typing import Any, Protocol

from tmws_mcp.cli.target import Answer, Server
from tmws_mcp.tokens import estimate_tokens


class Refused(Exception):
    """The server refused a call, so that the scene cannot go on."""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call of the story and what it cost."""

    tool: str
    arguments: dict[str, Any]
    text: str
    tokens: int
    history_tokens: int
    """What a model without this server would have had to read; 0 where nothing compares."""
    ms: float


@dataclass(frozen=True, slots=True)
class Promise:
    """Something that the story says, and whether it came true."""

    statement: str
    kept: bool


@dataclass(slots=True)
class Act:
    """A scene as it was played."""

    title: str
    calls: list[Call] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    promises: list[Promise] = field(default_factory=list)


class Audience(Protocol):
    """Who is shown the story while it is told: a person, or a program that waits for its end."""

    def scene(self, number: int, title: str) -> None:
        """Begin a scene."""
        ...

    def called(self, call: Call) -> None:
        """Show a call and its reply."""
        ...

    def told(self, text: str) -> None:
        """Show a sentence of the story."""
        ...

    def promised(self, promise: Promise) -> None:
        """Show whether something came true."""
        ...

    def progress(self, text: str) -> None:
        """Show how far something long has come."""
        ...


@dataclass(slots=True)
class Stage:
    """Plays scenes against a server before an audience."""

    server: Server
    audience: Audience
    acts: list[Act] = field(default_factory=list)

    def open(self, title: str) -> None:
        """Begin a scene."""
        self.acts.append(Act(title))
        self.audience.scene(len(self.acts), title)

    async def call(self, tool: str, arguments: dict[str, Any], *, history: str = "") -> Answer:
        """Call a tool before the audience; `history` is the text that it makes unnecessary.

        Raises:
            Refused: The answer is an error.
        """
        started = time.perf_counter()
        answer = await self.server.call(tool, arguments)
        ms = round((time.perf_counter() - started) * 1000, 1)
        call = Call(tool, arguments, answer.text, answer.tokens, estimate_tokens(history), ms)
        self.acts[-1].calls.append(call)
        self.audience.called(call)
        self._check(answer, tool)
        return answer

    async def quietly(self, tool: str, arguments: dict[str, Any], *, of: str) -> Answer:
        """Call a tool of which there are many: only the progress is shown.

        Raises:
            Refused: The answer is an error.
        """
        self.audience.progress(of)
        answer = await self.server.call(tool, arguments)
        self._check(answer, tool)
        return answer

    def say(self, text: str) -> None:
        """Tell the audience something."""
        self.acts[-1].said.append(text)
        self.audience.told(text)

    def expect(self, statement: str, kept: bool) -> None:
        """Note whether what the story says came true."""
        promise = Promise(statement, kept)
        self.acts[-1].promises.append(promise)
        self.audience.promised(promise)

    def _check(self, answer: Answer, tool: str) -> None:
        if answer.is_error:
            self.say(answer.text)
            self.expect(f"{tool} is not refused", kept=False)
            raise Refused(tool)
