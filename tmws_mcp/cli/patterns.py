"""`tmws-mcp patterns`: look after the authored patterns, from their files alone.

No store is opened: whoever writes a pattern can check it in an editor's loop or in a build.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tmws_mcp.cli.exits import FAILED, NOTHING, Commands, end
from tmws_mcp.cli.render import console, facts, print_json, show, table
from tmws_mcp.cli.target import JsonOption
from tmws_mcp.engine.matching import matcher_of
from tmws_mcp.errors import PatternFileError
from tmws_mcp.model import Match
from tmws_mcp.patterns.catalog import Catalog, load_catalog, pattern_folders
from tmws_mcp.patterns.check import LEARNING_SECONDS_MAX, check_folder
from tmws_mcp.patterns.definition import Pattern
from tmws_mcp.settings import Settings

if TYPE_CHECKING:
    from tmws_mcp.patterns.semantic.model import Guess

app = typer.Typer(cls=Commands, no_args_is_help=True, help="Check and list the authored patterns.")

FoldersArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="FOLDER…", help="Folders to check. Default: those that the server loads."
    ),
]


def folders(settings: Settings) -> tuple[Path, ...]:
    """Return the folders that a server with these settings loads, the weakest first."""
    return pattern_folders(settings.home, settings.pattern_dirs)


@app.command()
def check(given: FoldersArgument = None, *, as_json: JsonOption = False) -> None:
    """Check pattern files and run their examples; problems are named file:line."""
    places = tuple(given or folders(Settings.load()))
    problems = [problem for place in places for problem in check_folder(place)]
    count = len(load_catalog(places).patterns)
    if as_json:
        print_json({"patterns": count, "problems": [_as_json(found) for found in problems]})
    else:
        for problem in problems:
            show(str(problem), "red")
        wrong = _counted(len(problems), "problem")
        said = wrong if problems else "all examples lead where they should"
        show(f"{_counted(count, 'pattern')} in {', '.join(map(str, places))}: {said}.")
    end(FAILED if problems else 0)


@app.command("list")
def list_patterns(*, as_json: JsonOption = False) -> None:
    """List the patterns that the server loads, and the files that it cannot use."""
    catalog = _catalog()
    if as_json:
        print_json([_summary(catalog, pattern) for pattern in catalog.patterns.values()])
    else:
        rows = [
            (p.id, p.route, p.summary, ", ".join(step.name for step in p.steps))
            for p in catalog.patterns.values()
        ]
        console().print(table(("pattern", "route", "what it does", "steps"), rows))
        for problem in catalog.problems:
            show(str(problem), "red")
    end(0 if catalog.patterns else NOTHING)


@app.command()
def why(
    query: Annotated[str, typer.Argument(help="The query, as pattern_execute would get it.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Say which pattern a query leads to, and which others claim it."""
    settings, catalog = Settings.load(), _catalog()
    matcher = matcher_of(catalog, settings)
    matcher.learned(LEARNING_SECONDS_MAX)
    match, claimants, guess = matcher.match(query), matcher.claimants(query), matcher.guess(query)
    if as_json:
        print_json({"match": match, "claimants": claimants, "examples": guess})
    else:
        _explain(catalog, match, claimants)
        if guess:
            _show_guess(guess)
    end(0 if match.pattern else NOTHING)


def _explain(catalog: Catalog, match: Match, claimants: dict[str, int]) -> None:
    pairs: list[tuple[str, object]] = [
        ("pattern", match.pattern or "none matches"),
        ("matched by", match.matched_by),
        ("confidence", match.confidence),
        ("arguments", tuple(f"{name}={value}" for name, value in match.arguments.items())),
        ("file", catalog.files[match.pattern] if match.pattern else None),
        ("closest", match.closest),
    ]
    console().print(facts(pairs))
    if len(claimants) > 1:
        ranked = sorted(claimants.items(), key=lambda claim: -claim[1])
        console().print(table(("claimed by", "priority"), ranked, numbers=("priority",)))


def _show_guess(guess: "Guess") -> None:
    """Show what the examples say, also where a trigger has decided already."""
    columns = ("by its examples", "confidence")
    rows = [(name, round(confidence, 3)) for name, confidence in guess.ranked]
    console().print(table(columns, rows, numbers=columns[1:]))
    near = [(n.text, n.pattern or "no pattern", round(n.alike, 3)) for n in guess.nearest]
    console().print(table(("nearest example", "pattern", "alike"), near, numbers=("alike",)))


def _catalog() -> Catalog:
    return load_catalog(folders(Settings.load()))


def _summary(catalog: Catalog, pattern: Pattern) -> dict[str, object]:
    definition = pattern.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return {**definition, "file": str(catalog.files[pattern.id])}


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _as_json(problem: PatternFileError) -> dict[str, object]:
    return {"file": problem.path, "line": problem.line, "problem": problem.problem}
