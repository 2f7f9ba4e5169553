"""`tmws-mcp observe`: observations from a file or a pipe, one JSON object in each line.

The lines are validated one by one and written in batches, each in one transaction. A bad line is
reported with its number and the rest goes on. With `session_id` and `step` in each line the same
file may be observed again: what is known already is not counted twice.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Annotated, TextIO

import anyio
import anyio.to_thread
import typer
from pydantic import ValidationError

from tmws_mcp.cli.exits import FAILED, NOTHING, OK, end
from tmws_mcp.cli.render import plain, print_json, show
from tmws_mcp.cli.target import JsonOption
from tmws_mcp.engine import Engine, open_engine
from tmws_mcp.errors import FileError, InvalidInput
from tmws_mcp.model import Interaction, ObserveRequest
from tmws_mcp.model.problems import problems, validated
from tmws_mcp.settings import Settings
from tmws_mcp.telemetry import configure_logging

BATCH_LINES = 200  # the write lock is held for some 20 ms; other processes wait no longer
LINE_CHARS_MAX = 1_000_000
PROGRESS_LINES = 10_000
PROBLEMS_KEPT_MAX = 100
STDIN = "-"

Batch = tuple[tuple[int, Interaction], ...]
"""Interactions with the numbers of their lines."""


@dataclass
class Report:
    """What became of the lines so far."""

    lines: int = 0
    observed: int = 0
    bad: int = 0
    paused: str = ""
    """Why nothing was recorded, where observing is paused."""
    learned: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    def complain(self, number: int, problem: str) -> None:
        """Tell of a bad line at once, and keep the first ones for the summary."""
        self.bad += 1
        if len(self.problems) < PROBLEMS_KEPT_MAX:
            self.problems.append(f"line {number}: {problem}")
            print(plain(self.problems[-1]), file=sys.stderr)  # noqa: T201


def observe(
    jsonl: Annotated[str, typer.Option("--jsonl", help="The file, or - for standard input.")],
    *,
    namespace: Annotated[str, typer.Option(help="Where it belongs. Default: as for tools.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Observe interactions from JSON lines, with the fields of observe_interaction."""
    settings, report = Settings.load(), Report()
    # A malformed name is refused before anything is read.
    validated(ObserveRequest, {"namespace": namespace})
    configure_logging(settings.log_level)
    with _opened(jsonl) as file:
        anyio.run(_observe_all, settings, file, namespace, report)
    _show(report, as_json=as_json)
    end(FAILED if report.bad or report.paused else OK if report.lines else NOTHING)


@contextmanager
def _opened(name: str) -> Iterator[TextIO]:
    if name == STDIN:
        yield sys.stdin
        return
    try:
        file = Path(name).open(encoding="utf-8-sig", errors="surrogateescape")  # noqa: SIM115
    except OSError as error:
        raise FileError(name, f"cannot be read: {error.strerror}") from error
    with file:
        yield file


async def _observe_all(settings: Settings, file: TextIO, namespace: str, report: Report) -> None:
    connection = f"observe-{os.getpid()}"
    interactions = _interactions(file, report)
    async with open_engine(settings) as engine:
        # In a thread: a pipe may be slow, and the engine's background work goes on meanwhile.
        while batch := await anyio.to_thread.run_sync(_next_batch, interactions):
            await _observe_batch(engine, batch, namespace, connection, report)
        await engine.end_connection(connection)


async def _observe_batch(
    engine: Engine, batch: Batch, namespace: str, connection: str, report: Report
) -> None:
    request = ObserveRequest(interactions=tuple(sent for _, sent in batch), namespace=namespace)
    try:
        reply = await engine.observe_interaction(request, connection=connection)
    except InvalidInput as error:
        await _blame(engine, batch, namespace, connection, report, error)
        return
    report.paused = reply.paused or report.paused
    report.observed += reply.observed
    report.learned |= {found.pattern_id for found in reply.learned}


async def _blame(
    engine: Engine,
    batch: Batch,
    namespace: str,
    connection: str,
    report: Report,
    error: InvalidInput,
) -> None:
    """Observe the lines of a refused batch one by one, so that only the bad ones are left out."""
    if len(batch) == 1:
        report.complain(batch[0][0], str(error))
        return
    for line in batch:
        await _observe_batch(engine, (line,), namespace, connection, report)


def _next_batch(interactions: Iterator[tuple[int, Interaction]]) -> Batch:
    return tuple(islice(interactions, BATCH_LINES))


def _interactions(file: TextIO, report: Report) -> Iterator[tuple[int, Interaction]]:
    while line := file.readline(LINE_CHARS_MAX + 1):
        report.lines += 1
        if report.lines % PROGRESS_LINES == 0:
            print(f"{report.lines:,} lines …", file=sys.stderr)  # noqa: T201
        if len(line) > LINE_CHARS_MAX:
            report.complain(report.lines, f"longer than {LINE_CHARS_MAX:,} characters")
            _skip_line(file, line)
        elif line.strip() and (interaction := _parsed(line, report)):
            yield report.lines, interaction


def _parsed(line: str, report: Report) -> Interaction | None:
    try:
        return Interaction.model_validate_json(line)
    except ValidationError as error:
        report.complain(report.lines, problems(error, tuple(Interaction.model_fields)))
    except UnicodeEncodeError as error:
        report.complain(report.lines, f"is not UTF-8 at character {error.start}")
    return None


def _skip_line(file: TextIO, line: str) -> None:
    while line and not line.endswith("\n"):
        line = file.readline(LINE_CHARS_MAX)


def _show(report: Report, *, as_json: bool) -> None:
    if as_json:
        print_json({**asdict(report), "learned": sorted(report.learned)})
        return
    if report.paused:
        show(f"Nothing was recorded: {report.paused}. `tmws-mcp observations resume` ends it.")
        return
    known = report.lines - report.bad - report.observed
    show(
        f"{report.lines:,} lines: {report.observed:,} observed, "
        f"{known:,} known already or empty, {report.bad:,} bad; "
        f"{len(report.learned):,} learned patterns touched."
    )
