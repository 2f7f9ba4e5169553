"""Write requirements.lock: one version and the hashes of each package, for pip and uv alike.

Universal: one file for every platform and every Python from 3.11 on, by environment markers. It
names no index, since the place where packages come from is each machine's own affair.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
HEADER = "# Made by `make lock` out of pyproject.toml; both uv and pip install from it.\n"
COMMAND = (
    *("uv", "pip", "compile", "pyproject.toml", "--quiet", "--no-header", "--upgrade"),
    # pip before 24 takes `coverage[toml]` for another project than the locked `coverage`.
    "--no-strip-extras",
    *("--universal", "--python-version", "3.11", "--generate-hashes"),
    *("--group", "dev", "--group", "build", "--output-file", LOCK.name),
)


def main() -> int:
    """Compile the lock anew and refuse one that names an index."""
    subprocess.run(COMMAND, cwd=ROOT, check=True)
    text = LOCK.read_text("utf-8")
    if "://" in text:
        print(f"{LOCK.name} names a URL; it must not.", file=sys.stderr)
        return 1
    LOCK.write_text(HEADER + text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
