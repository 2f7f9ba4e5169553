"""A store is backed up while it is in use, and brought back."""

import json
import sqlite3
from pathlib import Path

import anyio

from tmws_mcp.engine import open_engine
from tmws_mcp.settings import Settings

OK, FAILED, USAGE, NOTHING = 0, 1, 2, 3


def test_a_backup_holds_everything_and_a_restore_brings_it_back(
    full, home: Path, tmp_path: Path
) -> None:
    before = full("export").stdout
    assert full("backup", str(tmp_path / "copy.db"), "--json").exit_code == OK
    full("inspect", "call", "store_memory", '{"content": "written after the backup"}')
    after = full("export").stdout

    restored = json.loads(full("restore", str(tmp_path / "copy.db"), "--json").stdout)

    assert full("export").stdout == before
    assert Path(restored["kept"]).parent == home
    undone = full("restore", restored["kept"])
    assert undone.exit_code == OK
    assert full("export").stdout == after


def test_a_restore_where_nothing_is_makes_the_store(full, tmp_path: Path, another_store) -> None:
    before = full("export").stdout
    full("backup", str(tmp_path / "copy.db"))
    another_store()

    result = full("restore", str(tmp_path / "copy.db"))

    assert result.exit_code == OK
    assert full("export").stdout == before


def test_a_store_in_use_is_backed_up_and_not_replaced(stored, home: Path, tmp_path: Path) -> None:
    async def while_open() -> None:
        async with open_engine(Settings.load()) as engine:
            await engine.store_memory({"content": "held open"})
            backed_up = await anyio.to_thread.run_sync(stored, "backup", str(tmp_path / "c.db"))
            refused = await anyio.to_thread.run_sync(stored, "restore", str(tmp_path / "c.db"))
            assert backed_up.exit_code == OK
            assert refused.exit_code == FAILED
            assert "open" in refused.stderr
            assert await engine.store_memory({"content": "goes on"})

    anyio.run(while_open)

    assert "goes on" in stored("export").stdout
    assert list(home.glob("*.part")) == []
    assert list(home.glob("*.backup")) == []


def test_what_is_no_sound_store_is_not_restored(stored, home: Path, tmp_path: Path) -> None:
    before = stored("export").stdout
    stored("backup", str(tmp_path / "good.db"))
    text, other, damaged = (tmp_path / name for name in ("text", "other.db", "damaged.db"))
    text.write_text("no database at all, and longer than the header of one")
    sqlite3.connect(other).executescript("CREATE TABLE t(x); INSERT INTO t VALUES (1);")
    whole = bytearray((tmp_path / "good.db").read_bytes())
    whole[8192:20480] = b"\xff" * 12288
    damaged.write_bytes(whole)

    for file in (text, other, damaged, tmp_path / "missing", home / "tmws.db"):
        assert stored("restore", str(file)).exit_code == FAILED

    assert stored("export").stdout == before
    assert list(home.glob("*.part")) == []


def test_a_damaged_store_is_replaced_and_kept(stored, home: Path, tmp_path: Path) -> None:
    before = stored("export").stdout
    stored("backup", str(tmp_path / "good.db"))
    for file in home.glob("tmws.db*"):
        file.unlink()
    (home / "tmws.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 9_000)

    result = stored("restore", str(tmp_path / "good.db"))

    assert result.exit_code == OK, result.stderr
    assert stored("export").stdout == before
    assert len(list(home.glob("*.replaced.*.backup"))) == 1


def test_there_is_nothing_to_back_up_before_the_first_start(tmws, tmp_path: Path) -> None:
    assert tmws("backup", str(tmp_path / "copy.db")).exit_code == NOTHING
