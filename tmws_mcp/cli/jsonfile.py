"""A JSON file of somebody else's, changed in one place and otherwise left as it is.

The old file stays beside it as a backup; the new one is there whole, or not at all.
"""

import json
import os
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from tmws_mcp.errors import FileError
from tmws_mcp.model import JsonObject

FILE_BYTES_MAX = 16 * 1024 * 1024
BACKUPS_MAX = 5
MARK = ".tmws-backup-"
CLIENTS_FOLDERS = (".claude", ".cursor", ".vscode")
"""Folders that are a client's alone: one goes with the last file in it."""


def read(path: Path) -> JsonObject:
    """Return the file's object; of a file that is not there or is empty an empty one.

    Raises:
        FileError: It cannot be read, or is no JSON object; comments are none.
    """
    try:
        if path.exists() and path.stat().st_size > FILE_BYTES_MAX:
            raise FileError(path, f"has more than {FILE_BYTES_MAX:,} bytes.")
        content = path.read_text("utf-8-sig") if path.exists() else ""
        value = json.loads(content) if content.strip() else {}
    except OSError as error:
        raise FileError(path, f"cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise FileError(
            path, f"is not plain JSON ({error}), so that nothing was changed. Edit it by hand."
        ) from error
    if not isinstance(value, dict):
        raise FileError(path, "holds no JSON object, so that nothing was changed.")
    return value


def text(value: JsonObject) -> str:
    """Return the object as a person would want to read it."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def change(path: Path, value: JsonObject) -> Path | None:
    """Write the object into the file, or remove it if it is ours; return where it was kept.

    Raises:
        FileError: It cannot be written or removed; the old one is as it was.
    """
    if not is_ours(path, value):
        return replace(path, value)
    _remove(path)
    return None


def replace(path: Path, value: JsonObject) -> Path | None:
    """Write the object into the file; return where the old one was kept, if there was one.

    Raises:
        FileError: It cannot be written; the old one is as it was.
    """
    target = path.resolve()  # a link stays one
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        kept = _backup(target) if target.exists() else None
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o600
        handle, part = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text(value))
                file.flush()
                os.fsync(file.fileno())
            Path(part).chmod(mode)
            Path(part).replace(target)
        finally:
            Path(part).unlink(missing_ok=True)
    except OSError as error:
        raise FileError(path, f"cannot be written: {error.strerror}") from error
    return kept


def is_ours(path: Path, left: JsonObject) -> bool:
    """Tell whether a file that we change is our own: nothing is left in it, and it has no backup.

    A file that was there was kept as a backup first. Where somebody has deleted that, an empty
    file goes that was there before: to a client it means the same as none.
    """
    target = path.resolve()
    return all(value == {} for value in left.values()) and not _backups(target)


def _remove(path: Path) -> None:
    """Remove the file, and the folder of a client that holds nothing else."""
    target = path.resolve()
    try:
        target.unlink()
    except OSError as error:
        raise FileError(path, f"cannot be removed: {error.strerror}") from error
    if target.parent.name in CLIENTS_FOLDERS:
        with suppress(OSError):  # it holds something else
            target.parent.rmdir()


def _backup(target: Path) -> Path:
    """Copy the file beside itself, and drop the oldest copies."""
    at = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    kept = target.with_name(f"{target.name}{MARK}{at}")
    kept.write_bytes(target.read_bytes())
    kept.chmod(target.stat().st_mode & 0o777)
    for old in _backups(target)[:-BACKUPS_MAX]:
        old.unlink(missing_ok=True)
    return kept


def _backups(target: Path) -> list[Path]:
    """Return the copies beside the file, the oldest first."""
    return sorted(target.parent.glob(f"{target.name}{MARK}*"))
