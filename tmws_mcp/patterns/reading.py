"""The catalogue as its files have it now: looked at often, and read again only where one changed.

A file that a slip of an editor has broken does not take its pattern away: the last version that
could be read goes on serving, and what is wrong is told.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tmws_mcp.errors import PatternFileError
from tmws_mcp.patterns.catalog import ENTRIES_SEEN_MAX, SUFFIXES, Catalog, load_catalog
from tmws_mcp.patterns.definition import Pattern, read_pattern
from tmws_mcp.patterns.register import why_not_registered

Stamp = tuple[int, int, int, int]
"""Of a file: modified and changed (nanoseconds), bytes, inode."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as it was read, and the pattern that it gave."""

    stamp: Stamp
    pattern: Pattern | None
    problem: PatternFileError | None = None


class Reading:
    """Reads the folders that `folders` names at each time; one thread at a time uses it.

    What lies in the folder `registered` may do no more than what a model can register.
    """

    def __init__(self, folders: Callable[[], Sequence[Path]], registered: Path) -> None:
        self._folders, self._registered = folders, registered
        self._seen: dict[Path, Seen] = {}
        self._stamps: dict[str, Stamp] = {}

    def changed(self) -> bool:
        """Whether a file came, went or changed since `catalog` was called last."""
        return self._look() != self._stamps

    def catalog(self) -> Catalog:
        """Return the patterns of all folders; unchanged files are not read again.

        Raises:
            RegexesUnavailable: There is no RE2 here.
        """
        # Before the files are read: what changes meanwhile differs from it the next time.
        self._stamps = self._look()
        kept: list[PatternFileError] = []
        read: dict[Path, Seen] = {}
        found = load_catalog(self._folders(), lambda path: self._pattern(path, read, kept))
        self._seen = read
        return replace(found, problems=(*found.problems, *kept))

    def _pattern(self, path: Path, read: dict[Path, Seen], kept: list[PatternFileError]) -> Pattern:
        before, stamp = self._seen.get(path), _stamp(path)
        if before is not None and before.stamp == stamp:
            read[path] = before
        else:
            read[path] = self._read(path, stamp, before.pattern if before else None)
        seen = read[path]
        if seen.problem is not None and seen.pattern is not None:
            kept.append(_said(seen.problem))
        elif seen.problem is not None:
            raise seen.problem
        assert seen.pattern is not None
        return seen.pattern

    def _read(self, path: Path, stamp: Stamp, last: Pattern | None) -> Seen:
        try:
            pattern = read_pattern(path)
        except PatternFileError as error:
            return Seen(stamp, last, error)
        closed = path.is_relative_to(self._registered.resolve())
        if closed and (why := why_not_registered(pattern)):
            return Seen(stamp, None, PatternFileError(path, why))
        return Seen(stamp, pattern)

    def _look(self) -> dict[str, Stamp]:
        return dict(entry for folder in self._folders() for entry in _stamps(folder))


def _said(problem: PatternFileError) -> PatternFileError:
    said = f"{problem.problem} (the version of before this change goes on serving)"
    return PatternFileError(problem.path, said, line=problem.line)


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0, 0)
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def _stamps(folder: Path) -> Iterator[tuple[str, Stamp]]:
    """Give each pattern file below a folder, without following links into other folders."""
    seen = 0
    for parent, folders, names in os.walk(folder, followlinks=False):
        folders[:] = [name for name in folders if not name.startswith(".")]
        seen += len(folders) + len(names)
        if seen > ENTRIES_SEEN_MAX:
            return
        for name in names:
            if name.endswith(SUFFIXES) and not name.startswith("."):
                place = os.path.join(parent, name)  # noqa: PTH118 - a Path for each costs the most
                yield place, _stamp(Path(place))
