"""`tmws-mcp export`, `import-memories`, `backup`, `restore`: memories on their way.

Export and import speak JSON lines, one memory in each; backup and restore copy the whole store.
What is printed for programs goes to stdout, progress to stderr.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, TextIO

import anyio
import typer

from tmws_mcp.cli.exits import FAILED, NOTHING, OK, end
from tmws_mcp.cli.render import print_json, show, told
from tmws_mcp.cli.target import JsonOption
from tmws_mcp.engine import open_engine
from tmws_mcp.errors import FileError
from tmws_mcp.model import StoreRequest
from tmws_mcp.model.problems import validated
from tmws_mcp.model.transfer import TakenIn
from tmws_mcp.settings import Settings
from tmws_mcp.store import copies
from tmws_mcp.telemetry import configure_logging

PIPE = "-"
PROGRESS_MEMORIES = 10_000

Progress = Callable[[int, int], None]
FileArgument = Annotated[str, typer.Argument(help="The file, or - for a pipe.")]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace the file.")]


def export(
    file: FileArgument = PIPE,
    *,
    namespace: Annotated[
        list[str] | None, typer.Option(help="These alone; repeat it for more. Default: all.")
    ] = None,
    with_forgotten: Annotated[
        bool, typer.Option("--with-forgotten", help="What can still be brought back, too.")
    ] = False,
    overwrite: OverwriteOption = False,
) -> None:
    """Write all memories as JSON lines, every field; import-memories reads them again."""
    settings = _settings()
    with _target(file, overwrite=overwrite) as out:
        done = anyio.run(_export, settings, out, tuple(namespace or ()), with_forgotten)
    told(f"{done:,} memories exported.")
    end(OK if done else NOTHING)


async def _export(
    settings: Settings, out: TextIO, namespaces: tuple[str, ...], forgotten: bool
) -> int:
    async with open_engine(settings) as engine:
        return await engine.keeping.export(
            out.write, namespaces, forgotten=forgotten, progress=_counter("exported")
        )


@contextmanager
def _target(name: str, *, overwrite: bool) -> Iterator[TextIO]:
    """Give what to write into; a file is there whole at the end, or not at all."""
    if name == PIPE:
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8", newline="\n")
        yield sys.stdout
        return
    path = Path(name)
    if path.exists() and not overwrite:
        raise FileError(path, "exists already. Name another file, or allow it with --overwrite.")
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8", newline="\n") as out:  # noqa: PTH123
            yield out
        part.replace(path)
    except OSError as error:
        raise FileError(path, f"cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def import_memories(
    file: Annotated[str, typer.Argument(help="An export, or - for standard input.")],
    *,
    namespace: Annotated[
        str,
        typer.Option(help="Where all goes. Default: as in our export, else as for tools."),
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be stored; change nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Read memories from our export, or those of the official memory server and others.

    Known are also memory.json of the official server and the JSON export of mcp-memory-service. It
    may be repeated: what the store says already is not stored again.
    """
    settings = _settings()
    # A malformed name is refused before anything is read.
    named = validated(StoreRequest, {"content": "x", "namespace": namespace}).namespace
    with _source(file) as path:
        report = anyio.run(_import, settings, path, named, dry_run)
    _show(report, as_json=as_json)
    end(FAILED if report.bad else OK if report.entries else NOTHING)


async def _import(settings: Settings, path: Path, namespace: str, dry_run: bool) -> TakenIn:
    async with open_engine(settings) as engine:
        return await engine.keeping.import_file(
            path, namespace=namespace, dry_run=dry_run, progress=_counter("read")
        )


@contextmanager
def _source(name: str) -> Iterator[Path]:
    """Give a file that can be read twice: a pipe is laid down first."""
    if name != PIPE:
        yield Path(name)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stdin"
        with path.open("w", encoding="utf-8", errors="surrogateescape") as file:
            shutil.copyfileobj(sys.stdin, file)
        yield path


def _show(report: TakenIn, *, as_json: bool) -> None:
    for problem in report.problems:
        told(problem)
    if as_json:
        print_json(report)
        return
    would = "would be " if report.dry_run else ""
    show(
        f"{report.format}: {report.created:,} {would}stored, {report.known:,} known already, "
        f"{report.forgotten:,} forgotten here and left so, {report.bad:,} bad."
    )
    if report.renamed:
        show(f"{report.renamed:,} got a new id: theirs belongs to another text here.")


def backup(
    file: Annotated[Path, typer.Argument(help="Where the copy goes.")],
    *,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Copy the whole store to a file while it is in use, and check the copy."""
    settings = _settings()
    if not settings.db.exists():
        end(NOTHING, f"There is no store {settings.db} yet.")
    size = copies.back_up(settings.db, file, overwrite=overwrite, progress=_bytes)
    if as_json:
        print_json({"file": str(file), "bytes": size})
    else:
        show(f"{file}: {size:,} bytes, checked. `tmws-mcp restore {file}` brings it back.")


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `backup` has made.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Put a backup in the store's place; what was there is kept beside it."""
    settings = _settings()
    kept = copies.restore(file, settings.db)
    if as_json:
        print_json({"store": str(settings.db), "kept": str(kept) if kept else None})
        return
    show(f"{settings.db} is what {file} holds.")
    if kept:
        show(f"What was there is kept: `tmws-mcp restore {kept}` undoes this.")


def _settings() -> Settings:
    settings = Settings.load()
    configure_logging(settings.log_level)
    return settings


def _counter(what: str) -> Progress:
    """Return what tells on stderr how far long work has come."""
    before = 0

    def tell(done: int, total: int) -> None:
        nonlocal before
        if done // PROGRESS_MEMORIES > before:
            before = done // PROGRESS_MEMORIES
            of = f" of {total:,}" if total else ""
            told(f"{done:,}{of} memories {what} …")

    return tell


def _bytes(done: int, total: int) -> None:
    told(f"{done:,} of about {total:,} bytes …")
