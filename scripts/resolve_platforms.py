"""Resolve the dependencies for each Python and platform, out of wheels alone, and report.

That a resolution is found says that each package can be had as a wheel there. It does not say that
the server runs there: only the tests do, on the machines that run them.
"""

import argparse
import subprocess
import sys
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = {
    "Linux x86-64": "x86_64-manylinux_2_28",
    "Linux arm64": "aarch64-manylinux_2_28",
    "macOS arm64": "aarch64-apple-darwin",
    "macOS x86-64": "x86_64-apple-darwin",
    "Windows x86-64": "x86_64-pc-windows-msvc",
}
COMMAND = (
    *("uv", "pip", "compile", "pyproject.toml", "--quiet", "--no-header", "--no-annotate"),
    *("--only-binary", ":all:"),
)
SECONDS_MAX = 120


def main() -> int:
    """Print a line for each; 1 if one has no resolution."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--extra", action="append", default=[], help="an extra to resolve with")
    extras = [word for extra in parser.parse_args().extra for word in ("--extra", extra)]
    failed = 0
    for (title, platform), python in product(PLATFORMS.items(), PYTHONS):
        problem, packages = resolved(platform, python, extras)
        failed += bool(problem)
        print(f"{title:15} CPython {python}  {problem or f'{packages} packages'}", flush=True)
    print(f"{failed} of {len(PLATFORMS) * len(PYTHONS)} have no resolution")
    return int(failed > 0)


def resolved(platform: str, python: str, extras: list[str]) -> tuple[str, int]:
    """Return why there is no resolution (empty: there is one), and how many packages it has."""
    where = ["--python-platform", platform, "--python-version", python]
    done = subprocess.run(
        [*COMMAND, *where, *extras],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=SECONDS_MAX,
    )  # fmt: skip
    why = " ".join(done.stderr.split()) if done.returncode else ""
    return why, len(done.stdout.splitlines())


if __name__ == "__main__":
    sys.exit(main())
