"""Build the site of the documents, and let nothing pass that is not as it should be.

The pages link to files of the whole repository, as they do where they are read on a code host. So
the site is built from a copy that has README and docs where the repository has them, with the
other files that they link to. mkdocs checks all links and anchors; a warning fails the build.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "build" / "site-pages"
TOP = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")


def main() -> int:
    """Copy the pages, and build; mkdocs' exit code."""
    shutil.rmtree(PAGES, ignore_errors=True)
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(ROOT / "docs", PAGES / "docs", ignore=ignore)
    for name in TOP:
        shutil.copy2(ROOT / name, PAGES)
    for page in list(PAGES.rglob("*.md")):
        copy_linked(page)
    # The theme advertises its successor to whoever builds.
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    print(done.stderr if done.returncode else f"{PAGES.parent.parent / 'dist' / 'site'} is built")
    return done.returncode


def copy_linked(page: Path) -> None:
    """Copy the files that a page links to, where they are no pages."""
    for target in LINK.findall(page.read_text("utf-8")):
        linked = (page.parent / target).resolve()
        if not linked.is_relative_to(PAGES) or linked.exists():
            continue
        source = ROOT / linked.relative_to(PAGES)
        if source.is_file() and source.suffix != ".md":
            linked.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, linked)


if __name__ == "__main__":
    sys.exit(main())
