"""Finding files by name, and lines by what they hold, in the workspace.

`git grep` does it, in a repository or not: it leaves out what `.gitignore` names, follows no link,
and reads a large tree faster than Python could. Names come from it too, as those of files in which
nothing is found, so that pictures and empty files are among them. A text of several words is looked
for as it stands, then as words of one line.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread
from pydantic import JsonValue

from tmws_mcp.actions.action import Action, Workspace, folder_of, only
from tmws_mcp.actions.command import Finished
from tmws_mcp.actions.git import Repository, opened, why_failed
from tmws_mcp.errors import ActionError
from tmws_mcp.model import JsonObject

TEXT_CHARS_MAX = 200
WORDS_MAX = 8
LONGEST_TRIED = 2
WORD_CHARS_MIN = 4
LINES_SHOWN = 15
FILES_SHOWN = 15
LINE_CHARS_MAX = 140

NOTHING_FOUND = 1
"""What git grep ends with then."""
_NOTHING = ("--not", "-e", "")
"""What no line of any file holds."""
_WHERE = (
    "--no-index",
    "--exclude-standard",
    "-i",
    "-F",
    "--no-color",
    "--no-recurse-submodules",
)
# What a line that introduces a name begins with, in the languages of most projects.
_INTRODUCES = (
    r"\b(?:def|class|func|function|fn|interface|struct|type|const|let|var|enum|trait|impl|module|"
    r"package|record|protocol|sub|macro_rules!|define)\b[^\n]{0,60}?\b"
)


Line = tuple[str, str, str]
"""Path, number and text."""


@dataclass(frozen=True, slots=True)
class _Found:
    files: list[str]
    lines: list[Line]
    cut: bool
    """Whether git wrote more than is read."""

    @property
    def is_any(self) -> bool:
        return bool(self.files or self.lines or self.cut)


async def find(folder: Path, text: str) -> JsonObject:
    """Return files whose path holds a text, and lines that hold it, those that define it first.

    Several words that are found neither as they stand nor in one line give way to the longest of
    them that is found; `text` is then that word, and else not told.

    Raises:
        ActionError: There is no git, or it failed.
    """
    asked, repository = text, await opened(await anyio.to_thread.run_sync(folder.resolve))
    found = await _looked_for(repository, [text])
    for words in _attempts(text):
        if found.is_any:
            break
        text = " ".join(words)
        found = await _looked_for(repository, words)
    ranked = sorted(found.lines, key=lambda line: not _defines(line, text))  # stable: by path else
    told: JsonObject = {"text": text} if text != asked else {}
    told |= {"files": [*found.files[:FILES_SHOWN]]}
    told["lines"] = [_shown(line) for line in ranked[:LINES_SHOWN]]
    rest = max(0, len(found.files) - FILES_SHOWN) + max(0, len(ranked) - LINES_SHOWN)
    if found.cut:  # and nobody knows by how much
        return told | {"more_at_least": max(rest, 1)}
    return told | ({"more": rest} if rest else {})


def _attempts(text: str) -> Iterator[list[str]]:
    """Give what to look for where a text is not found: all of its words, then the longest ones."""
    words = text.split()[:WORDS_MAX]
    if len(words) > 1:
        yield words
        longest = sorted(words, key=lambda word: -len(word))[:LONGEST_TRIED]
        yield from ([word] for word in longest if len(word) >= WORD_CHARS_MIN)


async def _looked_for(repository: Repository, words: Sequence[str]) -> _Found:
    """Return the files whose path holds the words as they stand, and the lines that hold all."""
    text = " ".join(words)
    # A star for what pathspecs give a meaning, and for letters whose other case they do not know.
    where = f":(icase)*{re.sub(r'[^A-Za-z0-9_.-]+', '*', text)}*"
    named = await repository.run("grep", *_WHERE, "-L", "-z", *_NOTHING, "--", where)
    asked = [part for word in words for part in ("--and", "-e", word)][1:]
    holding = await repository.run("grep", *_WHERE, "-I", "-n", "-z", *asked, "--", ".")
    _check(named)
    _check(holding)
    return _Found(_files(named, text), _lines(holding), named.cut or holding.cut)


def _lines(holding: Finished) -> list[Line]:
    """Return path, number and text; what a path with a line break leaves over is no line."""
    parted = (line.split("\0", 2) for line in _parts(holding, "\n"))
    whole = (parts for parts in parted if len(parts) == 3)  # noqa: PLR2004 - path, number, text
    return [(path, number, text) for path, number, text in whole]


def _files(named: Finished, text: str) -> list[str]:
    """Return the paths that hold the text, those first whose name does."""
    wanted = text.casefold()
    held = [path for path in _parts(named, "\0") if wanted in path.casefold()]
    return sorted(
        held, key=lambda path: (wanted not in Path(path).name.casefold(), len(path), path)
    )


def _parts(found: Finished, end: str) -> list[str]:
    """Return what git wrote, by the mark that ends each part; what was cut off has none."""
    return found.output.decode("utf-8", "replace").split(end)[:-1]


def _defines(line: Line, text: str) -> bool:
    return re.search(_INTRODUCES + re.escape(text) + r"\b", line[2], re.IGNORECASE) is not None


def _shown(line: Line) -> JsonValue:
    path, number, text = line
    return f"{path}:{number}: {text.strip()[:LINE_CHARS_MAX]}"


def _check(found: Finished) -> None:
    if found.code not in {0, NOTHING_FOUND} and not found.cut:
        raise ActionError(why_failed(found))


def wanted_text(arguments: JsonObject) -> str:
    """Return what to look for.

    Raises:
        ActionError: It is no text, or none of a usable length.
    """
    text = arguments.get("text")
    if not isinstance(text, str):
        raise ActionError("`text` must be the name of a file, a symbol or a text.")
    text = text.strip().strip("`'\"").strip()
    if not text or len(text) > TEXT_CHARS_MAX or "\n" in text:
        raise ActionError(f"`text` must be one line of 1 to {TEXT_CHARS_MAX} characters.")
    return text


async def _run(arguments: JsonObject, where: Workspace) -> JsonValue:
    only(arguments, "text")
    text = wanted_text(arguments)
    return await find(folder_of(where), text)


ACTION = Action("workspace.find", "Files by name and lines by text in the workspace", _run)
