"""Markdown -> notes: a section under its headings is one thing to remember.

Fenced code is no heading. A section that is longer than a memory may be is divided between its
paragraphs; what stands before the first heading belongs to the file itself.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tmws_mcp.errors import FileError

SUFFIXES = (".md", ".markdown")
PROJECT_FILES = ("CLAUDE.md", "AGENTS.md", "GEMINI.md")
"""What agents are told about a project; looked for where no file is named."""
FILE_BYTES_MAX = 8 * 1024 * 1024
NOTES_MAX = 2_000
"""Of one file."""
NOTE_CHARS_MAX = 20_000
LEVELS = 6
HEADING = re.compile(r"(#{1,6})[ \t]+(\S.*?)(?:[ \t]+#*)?[ \t]*$")
FENCE = re.compile(r" {0,3}(```+|~~~+)")
BETWEEN = " > "
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Note:
    """A section of a file."""

    place: str
    """Its headings, and which part of it this is; the same as long as nobody renames them."""
    text: str


def read(path: Path) -> list[Note]:
    """Return the notes of a file.

    Raises:
        FileError: It cannot be read, is no UTF-8, or is too large.
    """
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise FileError(path, f"has more than {FILE_BYTES_MAX:,} bytes. Divide it.")
        content = path.read_text("utf-8-sig")
    except OSError as error:
        raise FileError(path, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise FileError(path, f"is not UTF-8 at byte {error.start}.") from error
    found = notes(content)
    if len(found) > NOTES_MAX:
        raise FileError(path, f"has more than {NOTES_MAX:,} sections. Divide it.")
    return found


def notes(content: str) -> list[Note]:
    r"""Return the sections of a Markdown text, in their order, without empty ones.

    >>> [(n.place, n.text) for n in notes("# Ports\nBelow 9000.\n## Staging\n8931")]
    [('Ports', 'Ports\n\nBelow 9000.'), ('Ports > Staging', 'Ports > Staging\n\n8931')]
    """
    found: list[Note] = []
    used: dict[str, int] = {}
    for headings, text in _sections(COMMENT.sub("", content.replace("\0", ""))):
        place = BETWEEN.join(headings)
        for part in _parts(text.strip()):
            used[place] = used.get(place, 0) + 1
            named = place if used[place] == 1 else f"{place} ({used[place]})"
            found.append(Note(named, f"{place}\n\n{part}" if place else part))
    return found


def _sections(content: str) -> Iterator[tuple[tuple[str, ...], str]]:
    headings: list[str] = []
    lines: list[str] = []
    fence = ""
    for line in content.splitlines():
        if opened := FENCE.match(line):
            fence = _after(fence, opened[1])
        if fence or not (heading := HEADING.match(line)):
            lines.append(line)
            continue
        yield tuple(filter(None, headings)), "\n".join(lines)
        level = len(heading[1])
        headings = [*headings[: level - 1], *[""] * (level - 1 - len(headings)), heading[2]]
        lines = []
    yield tuple(filter(None, headings)), "\n".join(lines)


def _after(fence: str, marks: str) -> str:
    """Return the fence that is open after these marks; they close one that is no longer."""
    if not fence:
        return marks
    return "" if marks[0] == fence[0] and len(marks) >= len(fence) else fence


def _parts(text: str) -> Iterator[str]:
    """Divide a text between paragraphs where it is long; a paragraph that is too long is cut."""
    part = ""
    for paragraph in re.split(r"\n{2,}", text):
        for begin in range(0, max(len(paragraph), 1), NOTE_CHARS_MAX):
            piece = paragraph[begin : begin + NOTE_CHARS_MAX]
            if part and len(part) + len(piece) > NOTE_CHARS_MAX:
                yield part
                part = ""
            part = f"{part}\n\n{piece}" if part else piece
    if part.strip():
        yield part
