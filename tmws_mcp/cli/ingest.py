"""`tmws-mcp import`: learn from what agents did before, out of their own records.

A repeat is harmless: every call is known by its session and its place in it. So is an end in the
middle: begun again, what was observed already is passed over. A file of which all was observed is
not even read, until it changes or something of what was learned is forgotten. Secrets are masked as
in all observations.
"""

import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import anyio
import typer

from tmws_mcp.cli.exits import FAILED, NOTHING, OK, end
from tmws_mcp.cli.observe import counts_of
from tmws_mcp.cli.render import console, print_json, show, table, told
from tmws_mcp.cli.target import JsonOption
from tmws_mcp.engine import open_engine
from tmws_mcp.engine.ingesting import Files, Taken, observe_all
from tmws_mcp.errors import InvalidInput
from tmws_mcp.ingest import files, notes
from tmws_mcp.ingest.files import Advance
from tmws_mcp.ingest.sources import SOURCES, Source
from tmws_mcp.ingest.sources import source as source_of
from tmws_mcp.model import Interaction, LearnedPattern, ObserveRequest, StoreRequest
from tmws_mcp.model.problems import validated
from tmws_mcp.model.transfer import FileMark, Followed
from tmws_mcp.settings import Settings
from tmws_mcp.telemetry import configure_logging

TOOLS_SHOWN, LEARNED_SHOWN = 10, 10
SUPPORT_SHOWN_MIN = 2


@dataclass
class Seen(Taken):
    """What the files hold."""

    files: int = 0
    files_known: int = 0
    """Observed wholly before, and not read."""
    sent: int = 0
    calls: int = 0
    failed: int = 0
    sessions: set[str] = field(default_factory=set)
    tools: Counter[str] = field(default_factory=Counter)

    def note(self, one: Interaction) -> None:
        """Count an interaction."""
        self.sent += 1
        self.sessions.add(one.session_id)
        if one.tool_used:
            self.calls += 1
            self.failed += not one.success
            self.tools[one.tool_used] += 1


def import_traces(
    source: Annotated[str, typer.Argument(help=f"One of: {', '.join(SOURCES)}.")],
    path: Annotated[
        Path | None, typer.Argument(help="A file, or a folder. Default: where the client has them.")
    ] = None,
    *,
    namespace: Annotated[str, typer.Option(help="Where it belongs. Default: as for tools.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be learned; change nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Learn from transcripts, message logs or spans of earlier sessions; repeats are harmless."""
    kind, settings = source_of(source), Settings.load()
    # A malformed name is refused before anything is read.
    validated(ObserveRequest, {"namespace": namespace})
    configure_logging(settings.log_level)
    found = _traces(kind, path)
    seen = Seen(files=len(found), tell=told)
    with _settled(settings, dry_run=dry_run) as where:
        learned = anyio.run(_import, where, source, found, namespace, seen)
    _show(seen, learned, dry_run=dry_run, as_json=as_json)
    found_some = seen.calls or seen.files_known
    end(FAILED if seen.bad or seen.paused else OK if found_some else NOTHING)


def import_notes(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Markdown files or folders. Default: CLAUDE.md and AGENTS.md here."),
    ] = None,
    *,
    namespace: Annotated[str, typer.Option(help="Where they belong. Default: as for tools.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be stored; change nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Remember the sections of Markdown files, and keep in step with them when called again.

    Each section under its headings is one memory. One that changed replaces the older, one that
    went is forgotten; both can be brought back.
    """
    settings = Settings.load()
    named = validated(StoreRequest, {"content": "x", "namespace": namespace}).namespace
    configure_logging(settings.log_level)
    found = _notes(paths) if paths else _about_the_project(settings)
    done = anyio.run(_follow, settings, found, named, dry_run)
    if as_json:
        print_json(done)
    else:
        would = "would be " if dry_run else ""
        show(
            f"{done.files:,} files: {done.stored:,} sections {would}stored, {done.replaced:,} of "
            f"them in place of an older one, {done.known:,} known already, "
            f"{done.forgotten:,} {would}forgotten."
        )
    end(OK if done.stored or done.known or done.forgotten else NOTHING)


async def _follow(settings: Settings, found: list[Path], namespace: str, dry_run: bool) -> Followed:
    async with open_engine(settings) as engine:
        return await engine.keeping.following.follow(found, namespace, dry_run=dry_run)


def _notes(paths: list[Path]) -> list[Path]:
    return [file for path in paths for file in _within(path, notes.SUFFIXES)]


def _about_the_project(settings: Settings) -> list[Path]:
    folder = settings.project or Path.cwd()
    found = [folder / name for name in notes.PROJECT_FILES if (folder / name).is_file()]
    if not found:
        told(f"{folder} holds none of {', '.join(notes.PROJECT_FILES)}. Name the files.")
    return found


def _traces(kind: Source, path: Path | None) -> list[Path]:
    place = path or kind.home
    if place is None:
        raise InvalidInput(f"Name the file or the folder with {kind.about}.")
    if path is None and not place.expanduser().exists():
        told(f"{place} is not there: there are no {kind.about}.")
        return []
    return _within(place.expanduser(), kind.suffixes)


def _within(path: Path, suffixes: Sequence[str]) -> list[Path]:
    """Return the files to read; where a folder holds none, that is said."""
    found = files.found(path, suffixes)
    if not found:
        told(f"{path} holds no file that ends in {' or '.join(suffixes)}.")
    return found


@contextmanager
def _settled(settings: Settings, *, dry_run: bool) -> Iterator[Settings]:
    """Give the settings of the store, or of one that is thrown away after a dry run."""
    if not dry_run:
        yield settings
        return
    with tempfile.TemporaryDirectory(prefix="tmws-dry-run-") as folder:
        yield settings.model_copy(update={"home": Path(folder), "db": Path(folder) / "tmws.db"})


async def _import(
    settings: Settings, source: str, found: list[Path], namespace: str, seen: Seen
) -> tuple[LearnedPattern, ...]:
    async with open_engine(settings) as engine:
        marks = {path: files.mark(source, path) for path in found}
        unknown = await engine.manage.not_imported(list(marks.values()), namespace)
        new = {path: mark for path, mark in marks.items() if mark.file in unknown}
        seen.files_known = len(found) - len(new)
        reading = Files()
        with _progress(sum(mark.size for mark in new.values())) as advance:
            await observe_all(
                engine,
                _interactions(source_of(source), new, seen, reading, advance),
                seen,
                namespace=namespace,
                connection=f"import-{os.getpid()}",
                files=reading,
            )
        if namespace:
            return ()
        return await engine.learned({"min_support": SUPPORT_SHOWN_MIN, "limit": LEARNED_SHOWN})


def _interactions(
    kind: Source, new: Mapping[Path, FileMark], seen: Seen, reading: Files, advance: Advance
) -> Iterator[tuple[str, Interaction]]:
    for file, mark in new.items():
        first, bad = seen.sent, seen.bad
        for one in kind.read(file, seen.complain, advance):
            seen.note(one)
            yield f"{file.name}: step {one.step} of {one.session_id}", one
        if seen.bad == bad:
            reading.read(mark, first=first, end=seen.sent)


@contextmanager
def _progress(size: int) -> Iterator[Advance]:
    """Give what is told of bytes read; a bar shows them where a person looks on."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich import progress  # noqa: PLC0415 - heavy, and not for programs
    from rich.console import Console  # noqa: PLC0415 - as above

    columns = (progress.TextColumn("{task.description}"), progress.BarColumn())
    more = (progress.DownloadColumn(), progress.TimeRemainingColumn())
    with progress.Progress(*columns, *more, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Reading", total=size)
        yield lambda count: bar.advance(task, count)


def _show(seen: Seen, learned: tuple[LearnedPattern, ...], *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        print_json(_figures(seen) | {"dry_run": dry_run, "patterns": list(learned)})
        return
    if seen.paused:
        show(f"Nothing was recorded: {seen.paused}. `tmws-mcp observations resume` ends it.")
        return
    would = " would be" if dry_run else ""
    show(
        f"{seen.files:,} files, {seen.files_known:,} of them known already: "
        f"{len(seen.sessions):,} sessions with {seen.calls:,} tool calls, "
        f"{seen.failed:,} failed; {seen.observed:,}{would} observed, {seen.bad:,} bad; "
        f"{len(seen.learned):,} learned patterns{would} touched."
    )
    if seen.tools:
        rows = seen.tools.most_common(TOOLS_SHOWN)
        console().print(table(("tool", "calls"), rows, numbers=("calls",)))
    if learned:
        shown = [(one.summary, one.evidence.support) for one in learned]
        console().print(table(("learned, for instance", "support"), shown, numbers=("support",)))


def _figures(seen: Seen) -> dict[str, object]:
    return {
        **counts_of(seen),
        "files": seen.files,
        "files_known": seen.files_known,
        "sessions": len(seen.sessions),
        "calls": seen.calls,
        "failed": seen.failed,
        "tools": dict(seen.tools.most_common()),
    }
