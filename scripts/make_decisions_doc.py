"""Write docs/decisions/README.md: the list of the decisions."""

import sys

from generated_page import ROOT, write_or_check_file

FOLDER = ROOT / "docs" / "decisions"
INTRODUCTION = """\
# Decisions

<!-- Made by `make docs` out of the headings of the pages in this folder. -->

What would be costly to undo: context, decision, what else was weighed, consequences.

"""


def main() -> int:
    """Write or check the list."""
    pages = sorted(path for path in FOLDER.glob("*.md") if path.stem[:1].isdigit())
    titles = [page.read_text("utf-8").splitlines()[0].lstrip("# ") for page in pages]
    lines = [f"- [{title}]({page.name})\n" for title, page in zip(titles, pages, strict=True)]
    return write_or_check_file(FOLDER / "README.md", INTRODUCTION + "".join(lines))


if __name__ == "__main__":
    sys.exit(main())
