"""Pack dist/tmws-mcp.mcpb: Claude Desktop installs it with a click, and brings uv and Python.

It holds the package's sources and no dependencies: uv fetches those that fit the user's machine
when the bundle is started for the first time. Packed by the format's own program, out of npm.
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKER = "@anthropic-ai/mcpb@2.1.2"
MANIFEST = ROOT / "clients" / "claude-desktop" / "manifest.json"
CONTENT = ("tmws_mcp", "patterns", "personas", "pyproject.toml", "README.md", "LICENSE", "NOTICE")


def main() -> int:
    """Lay the bundle's files out, have them checked and packed; its exit code."""
    folder, bundle = ROOT / "dist" / "bundle", ROOT / "dist" / "tmws-mcp.mcpb"
    if shutil.which("npx") is None:
        print("Packing needs npx, which comes with Node.js.", file=sys.stderr)
        return 1
    lay_out(folder)
    packer = ["npx", "--yes", PACKER]
    for command in (["validate", folder / "manifest.json"], ["pack", folder, bundle]):
        if code := subprocess.run([*packer, *map(str, command)], check=False).returncode:
            return code
    return 0


def lay_out(folder: Path) -> None:
    """Fill the folder with what the bundle holds, and with nothing else."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copy2(MANIFEST, folder)
    for name in CONTENT:
        if (ROOT / name).is_dir():
            ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
            shutil.copytree(ROOT / name, folder / name, ignore=ignore)
        else:
            shutil.copy2(ROOT / name, folder)


if __name__ == "__main__":
    sys.exit(main())
