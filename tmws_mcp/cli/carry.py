"""`tmws-mcp learned export | import`: what was learned as JSON lines.

A file is read line by line and taken in batch by batch; a bad line is told with its number, and the
rest goes on.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, TextIO

import anyio
import typer
from pydantic import ValidationError

from tmws_mcp.cli.exits import FAILED, NOTHING, OK, end
from tmws_mcp.cli.learned import NamespaceOption, with_engine
from tmws_mcp.cli.render import print_json, show, told
from tmws_mcp.cli.target import JsonOption
from tmws_mcp.engine import Engine, open_engine
from tmws_mcp.errors import FileError, InvalidInput
from tmws_mcp.model.carried import CarriedLine, HeaderLine, ImportedLearned
from tmws_mcp.model.problems import problems
from tmws_mcp.settings import Settings

STDIO = "-"
BATCH_LINES = 200
LINE_CHARS_MAX = 1_000_000
PROBLEMS_KEPT_MAX = 100


@dataclass
class Report:
    """What became of a file."""

    patterns: int = 0
    slots: int = 0
    runs: int = 0
    known: int = 0
    bad: int = 0
    problems: list[str] = field(default_factory=list)

    def add(self, done: ImportedLearned) -> None:
        """Add what became of a batch."""
        self.patterns += done.patterns
        self.slots += done.slots
        self.runs += done.runs
        self.known += done.known

    def complain(self, number: int, problem: str) -> None:
        """Tell of a bad line at once, and keep the first ones for the summary."""
        self.bad += 1
        if len(self.problems) < PROBLEMS_KEPT_MAX:
            self.problems.append(f"line {number}: {problem}")
            told(self.problems[-1])


def export(
    file: Annotated[str, typer.Argument(help="The file, or - for standard output.")] = STDIO,
    *,
    kind: Annotated[str, typer.Option(help="Only this kind.")] = "",
    tool: Annotated[str, typer.Option(help="Only what names this tool or method.")] = "",
    since: Annotated[str, typer.Option(help="Only what was seen since this date.")] = "",
    min_support: Annotated[int, typer.Option(min=0, help="Seen so often at least.")] = 0,
    namespace: NamespaceOption = "",
) -> None:
    """Write learned patterns with their counts as JSON lines; the same store, the same file."""
    filters = {"kind": kind, "tool": tool, "since": since, "min_support": min_support}
    wanted = {name: value for name, value in filters.items() if value} | {"limit": 5_000}
    lines = with_engine(lambda engine: engine.manage.export(wanted, namespace))
    if not lines:
        end(NOTHING, "Nothing was learned here that fits.")
    with _written(file) as out:
        out.writelines(f"{line}\n" for line in lines)
    told(f"{len(lines):,} lines.")


@contextmanager
def _written(name: str) -> Iterator[TextIO]:
    """Open a file for writing that only its owner can read: it names tasks and tools."""
    if name == STDIO:
        yield sys.stdout
        return
    try:
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise FileError(name, f"cannot be written: {error.strerror}") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        yield file


def take_in(
    file: Annotated[str, typer.Argument(help="The file, or - for standard input.")],
    *,
    namespace: NamespaceOption = "",
    as_json: JsonOption = False,
) -> None:
    """Take in what `export` wrote; taking it in again counts nothing twice."""
    settings, report = Settings.load(), Report()
    with _opened(file) as source:
        anyio.run(_take_all, settings, source, namespace, report)
    if as_json:
        print_json(report)
    else:
        show(
            f"{report.patterns:,} new patterns, {report.slots:,} newer counts, {report.runs:,} new "
            f"runs; {report.known:,} lines known already, {report.bad:,} bad."
        )
    end(FAILED if report.bad else OK)


@contextmanager
def _opened(name: str) -> Iterator[TextIO]:
    if name == STDIO:
        yield sys.stdin
        return
    try:
        file = Path(name).open(encoding="utf-8-sig", errors="surrogateescape")  # noqa: SIM115
    except OSError as error:
        raise FileError(name, f"cannot be read: {error.strerror}") from error
    with file:
        yield file


async def _take_all(settings: Settings, source: TextIO, namespace: str, report: Report) -> None:
    async with open_engine(settings) as engine:
        batch: list[tuple[int, CarriedLine]] = []
        for number, line in enumerate(_lines(source), 1):
            if (parsed := _parsed(number, line, report)) is not None:
                batch.append((number, parsed))
            if len(batch) == BATCH_LINES:
                await _take(engine, batch, namespace, report)
                batch = []
        if batch:
            await _take(engine, batch, namespace, report)


def _lines(source: TextIO) -> Iterator[str]:
    while line := source.readline(LINE_CHARS_MAX):
        yield line


def _parsed(number: int, line: str, report: Report) -> CarriedLine | None:
    if number == 1:
        _check_header(line)
        return None
    try:
        return CarriedLine.model_validate_json(line) if line.strip() else None
    except ValidationError as error:
        report.complain(number, problems(error, tuple(CarriedLine.model_fields)))
    except UnicodeEncodeError:
        report.complain(number, "is not UTF-8")
    return None


def _check_header(line: str) -> None:
    try:
        HeaderLine.model_validate_json(line)
    except (ValidationError, UnicodeEncodeError) as error:
        raise InvalidInput(
            "This is no file of learned patterns: its first line must be the one that "
            "`tmws-mcp learned export` writes."
        ) from error


async def _take(
    engine: Engine, batch: list[tuple[int, CarriedLine]], namespace: str, report: Report
) -> None:
    """Take in a batch; of one that is refused, each line by itself."""
    try:
        report.add(await engine.manage.take_in([line for _, line in batch], namespace))
    except InvalidInput as error:
        if len(batch) == 1:
            report.complain(batch[0][0], str(error))
            return
        for one in batch:
            await _take(engine, [one], namespace, report)
