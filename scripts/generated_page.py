"""A file that is made from the code: written, or with `--check` compared."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def write_or_check(name: str, text: str) -> int:
    """Write docs/reference/NAME; with `--check` among the arguments return 1 if it is stale."""
    return write_or_check_file(ROOT / "docs" / "reference" / name, text)


def write_or_check_file(page: Path, text: str) -> int:
    """Write a file; with `--check` among the arguments return 1 if it is stale."""
    if "--check" not in sys.argv[1:]:
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text, "utf-8")
        return 0
    if page.is_file() and page.read_text("utf-8") == text:
        return 0
    print(f"{page.relative_to(ROOT)} is not what the code says; run `make docs`.", file=sys.stderr)
    return 1
