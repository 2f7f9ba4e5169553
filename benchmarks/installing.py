"""How much does an installation take on disk, beyond the SDK that every MCP server has?

The wheel is built and installed by uv into a fresh environment, and so is `mcp` alone, of the same
version; what differs is ours. Byte code is not counted: it is made when a module is first imported.
Needs uv and a package index.
"""

import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from pydantic import JsonValue

from benchmarks.report import Table, arguments, show

ROOT = Path(__file__).resolve().parent.parent
AIM_MEGABYTES = 110.0
MEGABYTE = 1_000_000
LARGEST = 8


def installed(folder: Path, what: str) -> dict[str, int]:
    """Install into a folder; return the bytes of each thing in it."""
    command = ["uv", "pip", "install", "--quiet", "--target", str(folder), what]
    subprocess.run(command, check=True)
    return {entry.name: size(entry) for entry in folder.iterdir()}


def size(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    return sum(file.stat().st_size for file in files if file.suffix != ".pyc")


def run() -> dict[str, JsonValue]:
    """Return the figures, in megabytes of a million bytes."""
    with tempfile.TemporaryDirectory(prefix="tmws-installing-") as name:
        folder = Path(name)
        build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
        subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
        (wheel,) = folder.glob("*.whl")
        ours = installed(folder / "ours", str(wheel))
        sdk = installed(folder / "sdk", f"mcp=={version('mcp')}")
        beyond = {name: taken for name, taken in ours.items() if name not in sdk}
        largest = sorted(beyond.items(), key=lambda item: -item[1])[:LARGEST]
        return {
            "wheel_mb": round(wheel.stat().st_size / MEGABYTE, 1),
            "all_mb": round(sum(ours.values()) / MEGABYTE, 1),
            "sdk_mb": round(sum(sdk.values()) / MEGABYTE, 1),
            "beyond_mb": round(sum(beyond.values()) / MEGABYTE, 1),
            "largest": {name: round(taken / MEGABYTE, 1) for name, taken in largest},
        }


def table(figures: dict[str, JsonValue]) -> Table:
    """Return the figures as people read them."""
    largest = figures["largest"]
    assert isinstance(largest, dict)
    title = (
        f"{figures['all_mb']} MB installed, {figures['sdk_mb']} of them the SDK's; beyond it "
        f"{figures['beyond_mb']} MB (aim {AIM_MEGABYTES:g}); the wheel has {figures['wheel_mb']} MB"
    )
    return Table(
        title, ("the largest beyond the SDK", "MB"), [(k, str(v)) for k, v in largest.items()]
    )


def main() -> int:
    """Measure; 1 if the aim is missed."""
    options = arguments(__doc__ or "").parse_args()
    figures = run()
    show(figures, [table(figures)], as_json=options.json)
    beyond = figures["beyond_mb"]
    assert isinstance(beyond, float)
    return int(beyond > AIM_MEGABYTES)


if __name__ == "__main__":
    sys.exit(main())
