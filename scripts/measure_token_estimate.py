"""Print how far the estimate of tokens is from o200k's count, by kind of text.

    python scripts/measure_token_estimate.py [--write]

Needs Node.js: the counts come from the npm package gpt-tokenizer, which is installed into a
temporary folder. `--write` stores them in tests/token_samples/counts.json, which the tests compare
the estimate with; run it after a sample was changed.
"""

import json
import subprocess
import sys
import tempfile
import timeit
from pathlib import Path

from tmws_mcp.tokens import estimate_tokens

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "tests" / "token_samples"
PACKAGE = "gpt-tokenizer@3"
COUNT = """
import { encode } from "gpt-tokenizer/encoding/o200k_base";
import { readFileSync } from "node:fs";
const texts = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(texts.map((text) => encode(text).length)));
"""


def main() -> None:
    """Count, compare and print; write the counts down if asked to."""
    texts = {path.stem: path.read_text("utf-8") for path in sorted(SAMPLES.glob("*.txt"))}
    own = {path: (ROOT / path).read_text("utf-8") for path in own_files()}
    counts = dict(zip([*texts, *own], o200k_counts([*texts.values(), *own.values()]), strict=True))
    print(f"{'text':<40}{'o200k':>8}{'estimate':>10}{'error':>8}{'us/KB':>8}")
    for name, text in {**texts, **own}.items():
        print_row(name, text, counts[name])
    if "--write" in sys.argv:
        sample_counts = {name: counts[name] for name in texts}
        (SAMPLES / "counts.json").write_text(json.dumps(sample_counts, indent=2) + "\n")


def own_files() -> list[str]:
    """Return files of this project that stand for the texts an agent works with."""
    folders = ("tmws_mcp", "docs", "patterns", "tests")
    found = (path for folder in folders for path in (ROOT / folder).rglob("*"))
    wanted = {".py", ".md", ".yaml"}
    names = (str(path.relative_to(ROOT)) for path in found if path.suffix in wanted)
    return sorted(name for name in names if (ROOT / name).stat().st_size > 2_000)


def o200k_counts(texts: list[str]) -> list[int]:
    """Return the number of o200k tokens of each text."""
    with tempfile.TemporaryDirectory() as folder:
        install = ["npm", "install", "--silent", "--no-save", "--prefix", folder, PACKAGE]
        subprocess.run(install, check=True)
        script = Path(folder, "count.mjs")
        script.write_text(COUNT)
        run = subprocess.run(
            ["node", script], input=json.dumps(texts), capture_output=True, text=True, check=True
        )
    counts: list[int] = json.loads(run.stdout)
    return counts


def print_row(name: str, text: str, count: int) -> None:
    """Print one line of the table."""
    estimate = estimate_tokens(text)
    seconds = min(timeit.repeat(lambda: estimate_tokens(text), number=5, repeat=5)) / 5
    error, us_per_kb = estimate / count - 1, seconds * 1e6 / (len(text.encode()) / 1024)
    print(f"{name:<40}{count:>8,}{estimate:>10,}{error:>+8.1%}{us_per_kb:>8.0f}")


if __name__ == "__main__":
    main()
