"""Refuse functions and modules that a reader cannot take in at once.

A function counts from `def` to its last line, docstring and comments included: they are read too.
Only an inline snapshot does not count: it is data, which a tool has written.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("tmws_mcp", "tests", "benchmarks", "scripts")
FUNCTION_LINES_MAX = 40
MODULE_LINES_MAX = 400


def oversized(path: Path) -> Iterator[str]:
    """Yield what in a module is over its limit."""
    source = path.read_text("utf-8")
    module = ast.parse(source)
    if (lines := source.count("\n") - snapshot_lines(module)) > MODULE_LINES_MAX:
        yield f"{path}: {lines} lines, {MODULE_LINES_MAX} are allowed: split it along its ideas"
    for node in ast.walk(module):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if (length := extent(node) - snapshot_lines(node)) > FUNCTION_LINES_MAX:
            where = f"{path}:{node.lineno}: {node.name}"
            yield f"{where} has {length} lines, {FUNCTION_LINES_MAX} are allowed"


def extent(node: ast.stmt | ast.expr) -> int:
    """Return how many lines a node takes."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def snapshot_lines(within: ast.AST) -> int:
    """Return how many lines a tool has written into `snapshot(…)`."""
    return sum(
        extent(node) - 1
        for node in ast.walk(within)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "snapshot"
    )


def main() -> int:
    """Check the folders given as arguments, by default the project's."""
    folders = [Path(name) for name in sys.argv[1:]] or [ROOT / name for name in FOLDERS]
    modules = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    found = [line for path in modules for line in oversized(path)]
    print("\n".join(found) or f"{len(modules)} modules, none too large")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
