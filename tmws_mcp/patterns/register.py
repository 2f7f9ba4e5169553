"""Patterns that a model registers: checked like files, and kept as files.

Such a pattern may recall, ask for recommendations and call actions that only read. It must not
take queries away from the patterns that a person wrote: those keep their ids and their examples.
"""

import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tmws_mcp.actions.registry import is_read_only
from tmws_mcp.errors import InvalidInput, PatternFileError, StoreNotWritable
from tmws_mcp.model import RegisterReply
from tmws_mcp.patterns.catalog import PATTERNS_MAX, REGISTERED, Catalog, load_catalog
from tmws_mcp.patterns.check import check_catalog
from tmws_mcp.patterns.definition import Pattern, parse_pattern
from tmws_mcp.yamlfile import format_mapping

ORIGIN = "definition"
PROBLEMS_SHOWN_MAX = 3


def register(
    definition: Mapping[str, Any], *, home: Path, folders: Sequence[Path]
) -> RegisterReply:
    """Save a pattern given as an object below `home`; `folders` are those that the engine loads.

    Raises:
        InvalidInput: It is not allowed here, or takes queries away from another pattern.
        PatternFileError: It is no pattern.
        StoreNotWritable: Its file cannot be written.
    """
    pattern = parse_pattern(definition, path=ORIGIN)
    catalog = load_catalog(folders)
    registered = home / REGISTERED
    path = registered / pattern.route / f"{pattern.id.partition('.')[2]}.yaml"
    _check_steps(pattern)
    _check_owner(pattern, catalog, registered)
    _check_examples(pattern, catalog, path)
    replaced = path.exists()
    write_file(
        path, format_mapping(pattern.model_dump(mode="json", by_alias=True, exclude_unset=True))
    )
    return RegisterReply(id=pattern.id, path=str(path), replaced=replaced)


def _check_steps(pattern: Pattern) -> None:
    if why := why_not_registered(pattern):
        raise InvalidInput(why)


def why_not_registered(pattern: Pattern) -> str | None:
    """Say which step no registered pattern may have; None where there is none.

    Asked again whenever a registered file is read: who can write into the data folder must not get
    more done by a file than by the tool.
    """
    if pattern.stores:
        return "A registered pattern cannot store; use store_memory."
    if pattern.calls:
        called = f"call {pattern.calls[0]!r}, a tool of another server"
    elif pattern.commands:
        called = f"run a command ({pattern.commands[0]})"
    elif acting := [name for name in pattern.actions if not is_read_only(name)]:
        called = f"call {acting[0]!r}, only known actions that read"
    else:
        return None
    return (
        f"A registered pattern cannot {called}; a person may put it into a pattern file in a "
        "folder of TMWS_PATTERN_DIRS."
    )


def _check_owner(pattern: Pattern, catalog: Catalog, registered: Path) -> None:
    owner = catalog.files.get(pattern.id)
    if owner is None:
        if len(catalog.patterns) >= PATTERNS_MAX:
            raise InvalidInput(f"There are {PATTERNS_MAX:,} patterns already; remove some.")
    elif not owner.is_relative_to(registered.resolve()):
        raise InvalidInput(
            f"{pattern.id} is a pattern that a person wrote ({owner}); choose another id."
        )


def _check_examples(pattern: Pattern, catalog: Catalog, path: Path) -> None:
    """Refuse what is wrong with it, and what goes wrong with others because of it."""
    if new := new_problems(pattern, catalog, path):
        said = "; ".join(_said(problem, path) for problem in new[:PROBLEMS_SHOWN_MAX])
        raise InvalidInput(f"The pattern was not registered. {said}")


def new_problems(pattern: Pattern, catalog: Catalog, path: Path) -> list[PatternFileError]:
    """Return what is wrong with a pattern, and with others because of it, were it added."""
    before = {str(problem) for problem in check_catalog(catalog)}
    with_it = Catalog(
        {**catalog.patterns, pattern.id: pattern},
        {**catalog.files, pattern.id: path},
        catalog.problems,
        catalog.version,
    )
    return [p for p in check_catalog(with_it) if str(p) not in before]


def _said(problem: PatternFileError, path: Path) -> str:
    place = ORIGIN if problem.path == str(path) else problem.path
    return f"{place}: {problem.problem}"


def write_file(path: Path, text: str) -> None:
    """Write the file at one stroke: a reader sees the old one or the new one.

    Raises:
        StoreNotWritable: It cannot be written.
    """
    temporary = None
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # mkstemp makes it 0600.
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".new")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            with suppress(OSError):
                Path(temporary).unlink(missing_ok=True)
        raise StoreNotWritable(path, error.strerror or str(error)) from error
