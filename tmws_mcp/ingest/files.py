"""Files to read, and JSON out of them: bounded, and a bad line is told and left out."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tmws_mcp.errors import FileError
from tmws_mcp.model import JsonObject
from tmws_mcp.model.transfer import FileMark

FILES_MAX = 20_000
LINE_BYTES_MAX = 32 * 1024 * 1024
"""A transcript has pictures in its lines; a longer line is left out."""
DOCUMENT_BYTES_MAX = 256 * 1024 * 1024
READERS = 1
"""Counted up where a reader finds more in a file than it did before: all are read again then."""

Complain = Callable[[str], None]
"""Told what could not be read: file, line and why."""
Advance = Callable[[int], None]
"""Told how many bytes more were read."""


def found(path: Path, suffixes: Sequence[str]) -> list[Path]:
    """Return the file, or the files of a folder with one of the suffixes, the oldest first.

    Raises:
        FileError: There is neither file nor folder, or there are more than FILES_MAX.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise FileError(path, "is neither a file nor a folder.")
    files = [file for file in path.rglob("*") if file.suffix in suffixes and file.is_file()]
    if len(files) > FILES_MAX:
        raise FileError(path, f"holds {len(files):,} files, more than {FILES_MAX:,}. Name a part.")
    return sorted(files, key=lambda file: (file.stat().st_mtime, file))


def mark(source: str, path: Path) -> FileMark:
    """Return what a file is known by, and how it is now.

    Raises:
        FileError: It is not there any more.
    """
    said = f"{READERS}\0{source}\0{path.absolute()}"
    try:
        found = path.stat()
    except OSError as error:
        raise FileError(path, f"cannot be read: {error.strerror}") from error
    name = hashlib.blake2b(os.fsencode(said), digest_size=16).digest()
    return FileMark(file=name, size=found.st_size, changed_ns=found.st_mtime_ns)


def lines(path: Path, complain: Complain, advance: Advance) -> Iterator[JsonObject]:
    """Give the objects of a file of JSON lines.

    Raises:
        FileError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(_bounded(file.readline), 1):
                advance(len(line))
                if (value := _object(line, f"{path.name}:{number}", complain)) is not None:
                    yield value
    except OSError as error:
        raise FileError(path, f"cannot be read: {error.strerror}") from error


def _bounded(readline: Callable[[int], bytes]) -> Iterator[bytes]:
    """Give lines; of one that is too long the parts, none of which is JSON."""
    while line := readline(LINE_BYTES_MAX):
        yield line


def document(path: Path, complain: Complain, advance: Advance) -> Iterator[JsonObject]:
    """Give the objects of a JSON file: one, those of an array, or one in each line.

    Raises:
        FileError: It cannot be read.
    """
    if path.suffix == ".jsonl":
        yield from lines(path, complain, advance)
        return
    try:
        size = path.stat().st_size
        if size > DOCUMENT_BYTES_MAX:
            raise FileError(
                path,
                f"has {size:,} bytes; one JSON document may have {DOCUMENT_BYTES_MAX:,}. "
                "Write it as JSON lines (.jsonl).",
            )
        content = path.read_bytes()
    except OSError as error:
        raise FileError(path, f"cannot be read: {error.strerror}") from error
    advance(len(content))
    yield from _documents(content, path.name, complain)


def _documents(content: bytes, name: str, complain: Complain) -> Iterator[JsonObject]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        for number, line in enumerate(content.splitlines(), 1):
            if (one := _object(line, f"{name}:{number}", complain)) is not None:
                yield one
        return
    yield from (one for one in (value if isinstance(value, list) else [value]) if _is_object(one))


def _object(line: bytes, where: str, complain: Complain) -> JsonObject | None:
    if not line.strip():
        return None
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        complain(f"{where}: is no JSON ({type(error).__name__})")
        return None
    return value if isinstance(value, dict) else None


def _is_object(value: object) -> bool:
    return isinstance(value, dict)
