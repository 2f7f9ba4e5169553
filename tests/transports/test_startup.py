"""What a server has loaded when it answers `initialize`: clients wait for it at every start."""

import json
import sys
from pathlib import Path

import anyio
import pytest

from tests.transports.raw import INITIALIZE, TMWS, environment

pytestmark = pytest.mark.anyio

HEAVY = (
    "typer", "rich", "rich.console", "numpy", "sqlite_vec", "redis", "yaml", "re2", "structlog",
    "apsw", "aiosqlite", "tmws_mcp.cli.app", "tmws_mcp.engine", "tmws_mcp.web",
    "tmws_mcp.memory.recall",
)  # fmt: skip

# The modules are listed when the first answer is written, and told on stderr.
LISTING = """
import sys
import tmws_mcp.server.stdio as stdio
before = stdio._write
async def write(target, data):
    await before(target, data)
    print("\\n".join(sys.modules), file=sys.stderr, flush=True)
stdio._write = write
sys.argv = ["tmws-mcp"]
from tmws_mcp.__main__ import main
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="our own transport is for POSIX")
async def test_nothing_heavy_is_loaded_before_initialize_is_answered(tmp_path: Path) -> None:
    request = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": INITIALIZE}

    with anyio.fail_after(60):
        done = await anyio.run_process(
            (sys.executable, "-c", LISTING),
            input=json.dumps(request).encode() + b"\n",
            env=environment(tmp_path),
        )

    assert json.loads(done.stdout)["id"] == 1
    loaded = set(done.stderr.decode().split())
    assert "tmws_mcp.server.app" in loaded
    assert loaded.isdisjoint(HEAVY), loaded & set(HEAVY)


async def test_the_version_is_told_without_loading_the_server(tmp_path: Path) -> None:
    with anyio.fail_after(60):
        done = await anyio.run_process((*TMWS, "--version"), env=environment(tmp_path))

    assert done.stdout.startswith(b"tmws-mcp ")


@pytest.mark.parametrize(("given", "kept"), [({}, "1"), ({"OPENBLAS_NUM_THREADS": "4"}, "4")])
async def test_the_server_asks_for_one_blas_thread_unless_told_otherwise(
    tmp_path: Path, given: dict[str, str], kept: str
) -> None:
    told = "import tmws_mcp.__main__, os; print(os.environ['OPENBLAS_NUM_THREADS'])"
    inherited = {k: v for k, v in environment(tmp_path).items() if k != "OPENBLAS_NUM_THREADS"}

    with anyio.fail_after(60):
        done = await anyio.run_process((sys.executable, "-c", told), env={**inherited, **given})

    assert done.stdout.decode().strip() == kept
