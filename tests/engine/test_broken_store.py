"""A store that breaks while the engine runs: nothing acknowledged is lost, and the rest goes on."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tmws_mcp.engine import Engine, open_engine
from tmws_mcp.errors import StoreFull, StoreMoved
from tmws_mcp.settings import Settings

pytestmark = pytest.mark.anyio

DISK_BYTES = 2 * 2**20


def remove(store: Path) -> None:
    for file in store.parent.glob(f"{store.name}*"):
        file.unlink()


def replace(store: Path) -> None:
    remove(store)
    store.write_text("something else", "utf-8")


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be removed there")
@pytest.mark.parametrize("harm", [remove, replace])
async def test_nothing_is_written_to_a_file_that_is_no_longer_there(
    engine: Engine, harm: object
) -> None:
    await engine.store_memory({"content": "The port is 8931"})
    assert callable(harm)
    harm(engine.settings.db)

    for call in (
        engine.store_memory({"content": "would be lost"}),
        engine.observe_interaction({"task": "build", "tool_used": "make"}),
        engine.recall_memory({"query": "port"}),
    ):
        with pytest.raises(StoreMoved, match="restart"):
            await call


async def test_health_is_told_of_a_store_that_cannot_be_used(engine: Engine) -> None:
    engine.settings.db.parent.mkdir(parents=True)
    engine.settings.db.write_text("no database at all", "utf-8")

    reply = await engine.pattern_execute({"query": "health"})

    assert isinstance(reply.result, dict)
    health = reply.result["health"]
    assert isinstance(health, dict)
    assert health["ok"] is False
    assert "is not a SQLite database" in str(health["problems"])


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    mount = shutil.which("mount")
    if sys.platform != "linux" or os.geteuid() != 0 or mount is None:
        pytest.skip("only root can mount a small tmpfs, and only on Linux")
    folder = tmp_path / "disk"
    folder.mkdir()
    options = f"size={DISK_BYTES},mode=0700"
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", options, "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"a tmpfs cannot be mounted here: {done.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def store_without_end(engine: Engine, kept: list[str]) -> None:
    for number in range(1_000):
        stored = await engine.store_memory({"content": f"{number} {'x' * 20_000}"})
        kept.append(stored.id)


async def test_a_full_disk_is_said_loses_nothing_and_may_be_mended(
    small_disk: Path, tmp_path: Path
) -> None:
    environ = {
        "TMWS_HOME": str(tmp_path / "home"),
        "TMWS_DB": str(small_disk / "tmws.db"),
        "TMWS_EMBEDDER": "none",
        "TMWS_NAMESPACE": "here",
    }
    ballast = small_disk / "ballast"
    async with open_engine(Settings.load(environ, cwd=tmp_path)) as engine:
        first = await engine.store_memory({"content": "Before the disk was full"})
        ballast.write_bytes(bytes(DISK_BYTES // 4))
        kept = [first.id]
        with pytest.raises(StoreFull, match="earlier ones are safe"):
            await store_without_end(engine, kept)

        assert len(kept) > 1
        found = await engine.recall_memory({"query": "before the disk"})
        assert [memory.id for memory in found.memories[:1]] == [first.id]

        ballast.unlink()
        kept.append((await engine.store_memory({"content": "There is room again"})).id)

    async with open_engine(Settings.load(environ, cwd=tmp_path)) as engine:
        assert [(await engine.memory(name)).id for name in kept] == kept
