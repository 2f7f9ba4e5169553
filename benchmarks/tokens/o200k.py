"""Counting tokens as o200k does, with the npm package gpt-tokenizer.

It is installed on first use into a folder that git ignores; where node, npm or the package cannot
be had, nothing is counted, and whoever asked says that it has only estimates.
"""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOKENIZER = "gpt-tokenizer"
TOKENIZER_VERSION = "4.0.0"
CACHE = ROOT / ".cache" / f"{TOKENIZER}-{TOKENIZER_VERSION}"
INSTALL_SECONDS_MAX = 120
COUNT_SECONDS_MAX = 120
COUNT = (
    f"const {{countTokens}} = require('{TOKENIZER}/encoding/o200k_base');"
    "const texts = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
    "process.stdout.write(JSON.stringify(texts.map(text => countTokens(text))))"
)


def counts(texts: Sequence[str]) -> list[int] | None:
    """Return the tokens of each text; None where the tokenizer cannot be had."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not (node and npm and _installed(npm)):
        return None
    done = subprocess.run(
        [node, "-e", COUNT],
        cwd=CACHE,
        input=json.dumps(list(texts)),
        capture_output=True,
        text=True,
        check=False,
        timeout=COUNT_SECONDS_MAX,
    )
    if done.returncode:
        return None
    counted: list[int] = json.loads(done.stdout)
    return counted


def _installed(npm: str) -> bool:
    """Install the tokenizer, unless it is there."""
    if (CACHE / "node_modules" / TOKENIZER).is_dir():
        return True
    CACHE.mkdir(parents=True, exist_ok=True)
    command = [npm, "install", "--prefix", str(CACHE), "--no-save", "--ignore-scripts"]
    command += ["--no-audit", "--no-fund", "--fetch-retries=1", f"{TOKENIZER}@{TOKENIZER_VERSION}"]
    try:
        done = subprocess.run(
            command, capture_output=True, check=False, timeout=INSTALL_SECONDS_MAX
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
