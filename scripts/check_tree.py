"""Refuse what must not be published: a package registry's host, a path of the machine at hand.

A host in a lock or a document would make every user's installation ask that host, whatever their
own configuration says; a path from somebody's machine works nowhere else.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REGISTRY = re.compile(
    r"(?:pypi|pythonhosted|npmjs|yarnpkg)\.(?:org|com)\b|\bfiles?:///\w", re.IGNORECASE
)
FILE_BYTES_MAX = 1_000_000
"""Larger files are data, which nobody wrote by hand."""


def machine_paths() -> tuple[str, ...]:
    """Return folders that only this machine has; a short one could be meant for another."""
    return tuple(f"{folder}/" for folder in (ROOT, Path.home()) if len(folder.parts) > 2)


def tracked() -> Iterator[Path]:
    """Yield the files that git knows, or would take in."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    yield from (ROOT / name for name in names.split("\0") if name)


def findings(path: Path, forbidden: tuple[str, ...]) -> Iterator[str]:
    """Yield the lines of a file that must not be published."""
    try:
        text = path.read_text("utf-8")
    except (UnicodeDecodeError, FileNotFoundError):  # a binary file, or one that is being removed
        return
    for number, line in enumerate(text.splitlines(), 1):
        if REGISTRY.search(line) or any(folder in line for folder in forbidden):
            yield f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"


def main() -> int:
    """Look through everything that would be published."""
    forbidden = machine_paths()
    files = [path for path in tracked() if path.is_file()]
    small = [path for path in files if path.stat().st_size <= FILE_BYTES_MAX]
    found = [line for path in small for line in findings(path, forbidden)]
    print("\n".join(found) or f"{len(small)} files, no registry's host and no path of this machine")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
