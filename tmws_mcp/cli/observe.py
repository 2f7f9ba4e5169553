"""`tmws-mcp observe`: observations from a file or a pipe, one JSON object in each line.

The lines are validated one by one and written in batches, each in one transaction. A bad line is
reported with its number and the rest goes on. With `session_id` and `step` in each line the same
file may be observed again: what is known already is not counted twice.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TextIO

import anyio
import typer
from pydantic import ValidationError

from tmws_mcp.cli.exits import FAILED, NOTHING, OK, end
from tmws_mcp.cli.render import print_json, show, told
from tmws_mcp.cli.target import JsonOption
from tmws_mcp.engine import open_engine
from tmws_mcp.engine.ingesting import Taken, observe_all
from tmws_mcp.errors import FileError
from tmws_mcp.model import Interaction, ObserveRequest
from tmws_mcp.model.problems import problems, validated
from tmws_mcp.settings import Settings
from tmws_mcp.telemetry import configure_logging

LINE_CHARS_MAX = 1_000_000
PROGRESS_LINES = 10_000
STDIN = "-"


@dataclass
class Report(Taken):
    """What became of the lines so far."""

    lines: int = 0

    def blame(self, number: int, problem: str) -> None:
        """Tell of a bad line."""
        self.complain(f"line {number}: {problem}")


def observe(
    jsonl: Annotated[str, typer.Option("--jsonl", help="The file, or - for standard input.")],
    *,
    namespace: Annotated[str, typer.Option(help="Where it belongs. Default: as for tools.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Observe interactions from JSON lines, with the fields of observe_interaction."""
    settings, report = Settings.load(), Report(tell=told)
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
    async with open_engine(settings) as engine:
        await observe_all(
            engine,
            _interactions(file, report),
            report,
            namespace=namespace,
            connection=f"observe-{os.getpid()}",
        )


def _interactions(file: TextIO, report: Report) -> Iterator[tuple[str, Interaction]]:
    while line := file.readline(LINE_CHARS_MAX + 1):
        report.lines += 1
        if report.lines % PROGRESS_LINES == 0:
            told(f"{report.lines:,} lines …")
        if len(line) > LINE_CHARS_MAX:
            report.blame(report.lines, f"longer than {LINE_CHARS_MAX:,} characters")
            _skip_line(file, line)
        elif line.strip() and (interaction := _parsed(line, report)):
            yield f"line {report.lines}", interaction


def _parsed(line: str, report: Report) -> Interaction | None:
    try:
        return Interaction.model_validate_json(line)
    except ValidationError as error:
        report.blame(report.lines, problems(error, tuple(Interaction.model_fields)))
    except UnicodeEncodeError as error:
        report.blame(report.lines, f"is not UTF-8 at character {error.start}")
    return None


def _skip_line(file: TextIO, line: str) -> None:
    while line and not line.endswith("\n"):
        line = file.readline(LINE_CHARS_MAX)


def counts_of(taken: Taken) -> dict[str, Any]:
    """Return what became of interactions, for programs."""
    return {
        "observed": taken.observed,
        "bad": taken.bad,
        "paused": taken.paused,
        "learned": sorted(taken.learned),
        "problems": taken.problems,
    }


def _show(report: Report, *, as_json: bool) -> None:
    if as_json:
        print_json({**counts_of(report), "lines": report.lines})
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
