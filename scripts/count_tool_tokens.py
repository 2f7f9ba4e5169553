"""Count what tools/list costs a model: names, descriptions and input schemas of all listed tools.

Counted with the o200k tokenizer (the npm package gpt-tokenizer) where node and npm are there, in
characters otherwise; which of the two is printed, since only the first is exact.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import anyio
from mcp import Client

from tmws_mcp.server.app import build_server
from tmws_mcp.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
TOKENS_MAX = 1500
CHARS_MAX = 5600
"""What 1,500 tokens of JSON and plain English have at least."""

TOKENIZER = "gpt-tokenizer"
TOKENIZER_VERSION = "4.0.0"
CACHE = ROOT / ".cache" / f"{TOKENIZER}-{TOKENIZER_VERSION}"
INSTALL_SECONDS_MAX = 120
COUNT = (
    f"const {{countTokens}} = require('{TOKENIZER}/encoding/o200k_base');"
    "process.stdout.write(String(countTokens(require('fs').readFileSync(0, 'utf8'))))"
)


def main() -> int:
    """Print the count; 1 if it is over the limit."""
    text = anyio.run(listed_tools)
    tokens = tokens_of(text)
    if tokens is None:
        why = "no tokenizer: node, npm or its package cannot be had"
        print(f"tools/list: {len(text)} characters ({why}), at most {CHARS_MAX}")
        return int(len(text) > CHARS_MAX)
    print(f"tools/list: {tokens} o200k tokens ({len(text)} characters), at most {TOKENS_MAX}")
    return int(tokens > TOKENS_MAX)


async def listed_tools() -> str:
    """Return what a client puts before its model: names, descriptions, schemas as compact JSON."""
    with tempfile.TemporaryDirectory() as home:
        settings = Settings.load({"TMWS_HOME": home})
        async with Client(build_server(settings)) as client:
            tools = (await client.list_tools()).tools
    schemas = (json.dumps(tool.input_schema, separators=(",", ":")) for tool in tools)
    described = (f"{tool.name}\n{tool.description}" for tool in tools)
    return "\n".join(f"{text}\n{schema}" for text, schema in zip(described, schemas, strict=True))


def tokens_of(text: str) -> int | None:
    """Count tokens with the tokenizer, which is installed on first use; None where it cannot be."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not (node and npm and installed(npm)):
        return None
    done = subprocess.run(
        [node, "-e", COUNT], cwd=CACHE, input=text, capture_output=True, text=True, check=False
    )
    return int(done.stdout) if done.returncode == 0 else None


def installed(npm: str) -> bool:
    """Install the tokenizer into a folder that git ignores, unless it is there."""
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


if __name__ == "__main__":
    sys.exit(main())
