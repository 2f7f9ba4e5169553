"""`tmws-mcp patterns promote`: a learned pattern becomes a file that pattern_execute runs.

A person decides: the file is shown first, with what is missing and what to look at, and nothing is
written without a yes. What would not pass `patterns check` is not written at all.
"""

import sys
from pathlib import Path
from typing import Annotated

import anyio
import typer

from tmws_mcp.cli.exits import FAILED, OK, end
from tmws_mcp.cli.render import print_json, show, told
from tmws_mcp.cli.target import JsonOption
from tmws_mcp.engine import open_engine
from tmws_mcp.errors import PatternFileError
from tmws_mcp.model import JsonObject
from tmws_mcp.model.learned import Promotion
from tmws_mcp.patterns.catalog import PROMOTED, load_catalog, pattern_folders
from tmws_mcp.patterns.definition import Pattern, parse_pattern
from tmws_mcp.patterns.promoted import with_free_id
from tmws_mcp.patterns.register import new_problems, write_file
from tmws_mcp.settings import Settings
from tmws_mcp.yamlfile import format_mapping


def promote(
    pattern_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the learned pattern.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show it, write nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Write it without asking.")] = False,
    to: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder. Default: `promoted` in the home.")
    ] = None,
    namespace: Annotated[str, typer.Option(help="Where it was learned.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Make a learned sequence or repair a pattern that pattern_execute runs; shows it first."""
    settings = Settings.load()
    made = anyio.run(_promotion, settings, pattern_id, namespace)
    folder = (to or settings.home / PROMOTED).absolute()
    catalog = load_catalog(pattern_folders(settings.home, settings.pattern_dirs))
    definition = with_free_id(made, catalog)
    pattern = parse_pattern(definition, path="the pattern")
    path = folder / pattern.route / f"{pattern.id.partition('.')[2]}.yaml"
    problems = new_problems(pattern, catalog, path)
    _show(made, definition, path, problems, as_json=as_json)
    if problems:
        end(FAILED, "It was not written: correct the file by hand, and put it there yourself.")
    if dry_run:
        end(OK)
    if not yes and not _agreed(path):
        end(FAILED, "Nothing was written.")
    write_file(path, format_mapping(definition))
    _tell(pattern, path, folder, settings)


async def _promotion(settings: Settings, pattern_id: str, namespace: str) -> Promotion:
    async with open_engine(settings) as engine:
        return await engine.manage.promotion(pattern_id, namespace)


def _show(
    made: Promotion,
    definition: JsonObject,
    path: Path,
    problems: list[PatternFileError],
    *,
    as_json: bool,
) -> None:
    said = [problem.problem for problem in problems]
    if as_json:
        told = made.model_dump(mode="json") | {"definition": definition}
        print_json({**told, "path": str(path), "problems": said})
        return
    show(f"# {path}", "dim")
    show(format_mapping(definition).rstrip())
    show(f"\nCompared: {made.runs} {'run' if made.runs == 1 else 'runs'}.")
    if made.missing:
        show(
            f"This server cannot call {', '.join(made.missing)}: pattern_execute hands these calls "
            "to its caller, filled in, and says that they were not run.",
            "yellow",
        )
    for note in made.notes:
        show(f"Look at it: {note}.", "yellow")
    for problem in said:
        show(f"Wrong: {problem}", "red")


def _agreed(path: Path) -> bool:
    if not sys.stdin.isatty():
        show("Nobody is there to ask: call it with --yes to write the file.", "yellow")
        return False
    return typer.confirm(f"Write {path}?")


def _tell(pattern: Pattern, path: Path, folder: Path, settings: Settings) -> None:
    told(f"Wrote {path}.")
    loaded = pattern_folders(settings.home, settings.pattern_dirs)
    if folder not in [known.absolute() for known in loaded]:
        said = f"No server loads {folder} yet: add it to TMWS_PATTERN_DIRS."
    else:
        said = f"A server that is started from now on runs {pattern.id}."
    told(said)
