"""Finding files by name, and lines by what they hold, in the workspace.

`git grep` does it, in a repository or not: it leaves out what `.gitignore` names, follows no link,
and reads a large tree faster than Python could. A text of several words is looked for as it stands,
then as words of one line.
"""

import re
from collections.abc import Iterator, Sequence
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
_WHERE = (
    "--no-index",
    "--exclude-standard",
    "-I",
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


async def find(folder: Path, text: str) -> JsonObject:
    """Return files whose path holds a text, and lines that hold it, those that define it first.

    Several words that are found neither as they stand nor in one line give way to the longest of
    them that is found; `text` is then that word, and else not told.

    Raises:
        ActionError: There is no git, or it failed.
    """
    asked, repository = text, await opened(await anyio.to_thread.run_sync(folder.resolve))
    listed = await repository.run("grep", *_WHERE, "-l", "-z", "-e", "", "--", ".")
    files, lines = _files(listed, text), await _matching(repository, [text])
    for words in _attempts(text):
        if files or lines:
            break
        text = " ".join(words)
        files, lines = _files(listed, text), await _matching(repository, words)
    ranked = sorted(lines, key=lambda line: not _defines(line, text))  # stable: by path else
    told: JsonObject = {"text": text} if text != asked else {}
    told |= {"files": [*files[:FILES_SHOWN]]}
    told["lines"] = [_shown(line) for line in ranked[:LINES_SHOWN]]
    rest = max(0, len(files) - FILES_SHOWN) + max(0, len(ranked) - LINES_SHOWN)
    return told | ({"more": rest} if rest else {})


def _attempts(text: str) -> Iterator[list[str]]:
    """Give what to look for where a text is not found: all of its words, then the longest ones."""
    words = text.split()[:WORDS_MAX]
    if len(words) > 1:
        yield words
        longest = sorted(words, key=lambda word: -len(word))[:LONGEST_TRIED]
        yield from ([word] for word in longest if len(word) >= WORD_CHARS_MIN)


async def _matching(repository: Repository, words: Sequence[str]) -> list[tuple[str, str, str]]:
    """Return path, number and text of the lines that hold all the words."""
    asked = [part for word in words for part in ("--and", "-e", word)][1:]
    found = await repository.run("grep", *_WHERE, "-n", "-z", *asked, "--", ".")
    _check(found)
    lines = found.output.decode("utf-8", "replace").split("\n")
    parted = (line.split("\0", 2) for line in lines)
    return [(path, number, text) for path, number, text in _whole(parted)]


def _whole(parted: Iterator[list[str]]) -> Iterator[list[str]]:
    """Leave out the line that was cut where git wrote too much."""
    return (parts for parts in parted if len(parts) == 3)  # noqa: PLR2004 - path, number, text


def _files(listed: Finished, text: str) -> list[str]:
    """Return the paths that hold the text, those first whose name does."""
    _check(listed)
    wanted = text.casefold()
    paths = [path for path in listed.output.decode("utf-8", "replace").split("\0") if path]
    held = [path for path in paths if wanted in path.casefold()]
    return sorted(
        held, key=lambda path: (wanted not in Path(path).name.casefold(), len(path), path)
    )


def _defines(line: tuple[str, str, str], text: str) -> bool:
    return re.search(_INTRODUCES + re.escape(text) + r"\b", line[2], re.IGNORECASE) is not None


def _shown(line: tuple[str, str, str]) -> JsonValue:
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
