"""Run every check that is no test, all of them even after a failure, and sum them up."""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
BIN = Path(PYTHON).parent

CHECKS: dict[str, list[str]] = {
    "format": [PYTHON, "-m", "ruff", "format", "--check", "--quiet", "."],
    "lint": [PYTHON, "-m", "ruff", "check", "--quiet", "."],
    "types": [PYTHON, "-m", "mypy"],
    "layers": [str(BIN / "lint-imports"), "--no-cache", "--no-logo"],
    "sizes": [PYTHON, "scripts/check_sizes.py"],
    "tree": [PYTHON, "scripts/check_tree.py"],
    "settings page": [PYTHON, "scripts/make_settings_doc.py", "--check"],
    "cli page": [PYTHON, "scripts/make_cli_doc.py", "--check"],
    "tools page": [PYTHON, "scripts/make_tools_doc.py", "--check"],
    "metrics page": [PYTHON, "scripts/make_metrics_doc.py", "--check"],
    "rest page": [PYTHON, "scripts/make_rest_doc.py", "--check"],
    "patterns page": [PYTHON, "scripts/make_patterns_doc.py", "--check"],
    "decisions page": [PYTHON, "scripts/make_decisions_doc.py", "--check"],
    "site": [PYTHON, "scripts/build_site.py"],
    "manifests": [PYTHON, "scripts/make_manifests.py", "--check"],
    "tool tokens": [PYTHON, "scripts/count_tool_tokens.py"],
}


def main() -> int:
    """Run the checks named as arguments, by default all; 1 if one of them found something."""
    chosen = sys.argv[1:] or list(CHECKS)
    if unknown := [name for name in chosen if name not in CHECKS]:
        print(f"No check is called {unknown[0]!r}. There are: {', '.join(CHECKS)}.")
        return 2
    failed = [name for name in chosen if not passes(name)]
    print(f"{len(failed)} of {len(chosen)} checks failed: {', '.join(failed)}" if failed else "")
    return 1 if failed else 0


def passes(name: str) -> bool:
    """Run one check; its output is shown whole when it fails, else its last line."""
    started = time.monotonic()
    done = subprocess.run(
        CHECKS[name],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    lines = (done.stdout + done.stderr).strip().splitlines()
    verdict = "failed" if done.returncode else "ok"
    closing = lines[-1] if lines and not done.returncode else ""
    print(f"{name:14} {verdict:7} {time.monotonic() - started:4.1f} s  {closing}", flush=True)
    if done.returncode:
        print("\n".join(f"    {line}" for line in lines), flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
