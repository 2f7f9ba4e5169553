"""The patterns of all folders, and what is wrong with the files that could not be used.

One broken file must not take the others away: its problem is kept, and the rest goes on. A later
folder replaces patterns of the same id, so that a user can change a shipped one.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from tmws_mcp.errors import PatternFileError
from tmws_mcp.patterns.definition import Pattern, read_pattern
from tmws_mcp.yamlfile import is_file_within

SUFFIXES = (".yaml", ".yml", ".json")
PATTERNS_MAX = 1_000
# A setting that names a home folder or `/` by mistake must not read a whole disk.
ENTRIES_SEEN_MAX = 20_000
REGISTERED = "patterns"
"""Folder in the data folder that register_pattern writes to."""
PROMOTED = "promoted"
"""Folder in the data folder for what a person promoted; no model writes to it."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """Patterns by id, read at one moment."""

    patterns: Mapping[str, Pattern]
    files: Mapping[str, Path]
    """Where each pattern was read."""
    problems: tuple[PatternFileError, ...]
    version: str
    """Changes with any definition; keys of caches hold it."""


def shipped_folder() -> Path:
    """Return the folder of the shipped patterns, in a wheel or in a clone."""
    package = Path(__file__).parents[1]
    inside = package / "_patterns"
    return inside if inside.is_dir() else package.parent / "patterns"


def pattern_folders(home: Path, pattern_dirs: Sequence[Path] = ()) -> tuple[Path, ...]:
    """Return the folders to load, the weakest first: shipped, registered, promoted, one's own."""
    made_here = [home / name for name in (REGISTERED, PROMOTED)]
    return (shipped_folder(), *(folder for folder in made_here if folder.is_dir()), *pattern_dirs)


def load_catalog(
    folders: Sequence[Path], read: Callable[[Path], Pattern] = read_pattern
) -> Catalog:
    """Return the patterns of the folders; a later folder replaces the same id.

    Raises:
        RegexesUnavailable: There is no RE2 here.
    """
    patterns: dict[str, Pattern] = {}
    files: dict[str, Path] = {}
    problems: list[PatternFileError] = []
    for folder in folders:
        _load_folder(folder, read, patterns, files, problems)
    return Catalog(
        MappingProxyType(patterns),
        MappingProxyType(files),
        tuple(problems),
        catalog_version(patterns),
    )


def _load_folder(
    folder: Path,
    read: Callable[[Path], Pattern],
    patterns: dict[str, Pattern],
    files: dict[str, Path],
    problems: list[PatternFileError],
) -> None:
    here: dict[str, Path] = {}
    for path in _pattern_files(folder, problems):
        if len(patterns) >= PATTERNS_MAX:
            problem = f"more than {PATTERNS_MAX:,} patterns; this file and those after it are left"
            problems.append(PatternFileError(path, problem))
            return
        try:
            pattern = read(path)
        except PatternFileError as error:
            problems.append(error)
            continue
        if pattern.id in here:
            problem = f"id: {pattern.id!r} stands in {here[pattern.id]} already; remove one of them"
            problems.append(PatternFileError(path, problem))
            continue
        here[pattern.id] = files[pattern.id] = path
        patterns[pattern.id] = pattern


def _pattern_files(folder: Path, problems: list[PatternFileError]) -> Iterator[Path]:
    """Give the pattern files below a folder by name; links that lead out of it are refused."""
    if not folder.is_dir():
        problems.append(PatternFileError(folder, "is not a folder; make it or drop the setting"))
        return
    root = folder.resolve()
    seen = 0
    for parent, folders, names in os.walk(root, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        seen += len(folders) + len(names)
        if seen > ENTRIES_SEEN_MAX:
            problem = f"holds more than {ENTRIES_SEEN_MAX:,} files; name the pattern folder itself"
            problems.append(PatternFileError(folder, problem))
            return
        for name in sorted(names):
            path = Path(parent, name)
            if path.suffix not in SUFFIXES or name.startswith("."):
                continue
            if is_file_within(path, root):
                yield path
            else:
                problems.append(
                    PatternFileError(path, "is a link that leads out of its folder, or to no file")
                )


def version_of(pattern: Pattern) -> str:
    """Return what names a definition: the same for the same content, whatever file holds it."""
    return hashlib.sha256(pattern.model_dump_json(by_alias=True).encode()).hexdigest()[:12]


def catalog_version(patterns: Mapping[str, Pattern]) -> str:
    """Return what changes with any definition."""
    together = "".join(version_of(patterns[name]) for name in sorted(patterns))
    return hashlib.sha256(together.encode()).hexdigest()[:16]
