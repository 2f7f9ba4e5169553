"""The doctor finds what keeps a server from working, and says what to do about it."""

import json
import os
import shutil
import sqlite3
import stat
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.redis_server import client
from tmws_mcp.cli.checks import CHECKS, without_password
from tmws_mcp.embedding import embedder, static
from tmws_mcp.store import driver

OK, FAILED, USAGE = 0, 1, 2


def findings(result: Any) -> dict[str, dict[str, str]]:
    return {found["check"]: found for found in json.loads(result.stdout)}


def test_on_a_fresh_machine_all_is_well_and_nothing_is_made(tmws, home):
    result = tmws("doctor", "--json")

    found = findings(result)
    assert result.exit_code == OK
    assert list(found) == list(CHECKS)
    assert "not made yet" in found["store"]["found"]
    assert not home.exists()


def test_a_store_in_use_passes_and_the_probe_leaves_nothing_behind(stored, home):
    result = stored("doctor", "--json")

    assert result.exit_code == OK
    assert {found["state"] for found in findings(result).values()} == {"ok"}
    assert "test" in findings(result)["namespace"]["found"]
    with sqlite3.connect(home / "tmws.db") as db:
        kept = db.execute("SELECT count(*) FROM meta WHERE key LIKE 'doctor%'").fetchone()
    db.close()
    assert kept == (0,)


def test_people_get_a_table_with_a_verdict(tmws):
    result = tmws("doctor")

    assert "check" in result.stdout
    assert "All 15 checks passed." in result.stdout


def test_a_file_that_is_no_database_fails_and_stays_as_it_is(tmws, home):
    home.mkdir(mode=0o700)
    file = home / "tmws.db"
    file.write_text("A letter to Ada. " * 100)

    result = tmws("doctor", "--json")

    assert result.exit_code == FAILED
    assert findings(result)["store"]["state"] == "fail"
    assert "TMWS_DB" in findings(result)["store"]["remedy"]
    assert file.read_text() == "A letter to Ada. " * 100


def test_another_programs_database_fails_and_is_not_written_to(tmws, home):
    home.mkdir(mode=0o700)
    with sqlite3.connect(home / "tmws.db") as db:
        db.execute("CREATE TABLE invoice(id)")
    db.close()
    before = (home / "tmws.db").read_bytes()

    result = tmws("doctor", "--json")

    assert result.exit_code == FAILED
    assert "another program" in findings(result)["store"]["found"]
    assert (home / "tmws.db").read_bytes() == before


def test_a_folder_in_place_of_the_store_fails(tmws, home):
    (home / "tmws.db").mkdir(parents=True)

    result = tmws("doctor", "--json")

    assert result.exit_code == FAILED
    assert findings(result)["store"]["state"] == "fail"


def test_a_newer_schema_fails_with_the_advice_to_update(stored, home):
    with sqlite3.connect(home / "tmws.db") as db:
        db.execute("PRAGMA user_version = 999")
    db.close()

    result = stored("doctor", "--json")

    assert result.exit_code == FAILED
    assert findings(result)["schema"]["state"] == "fail"
    assert "Update tmws-mcp" in findings(result)["schema"]["remedy"]
    assert findings(result)["write"]["state"] == "fail"


def test_a_damaged_store_fails_and_points_to_the_backups(stored, home):
    file = home / "tmws.db"
    with sqlite3.connect(file) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    content = bytearray(file.read_bytes())
    content[4096 * 3 : 4096 * 9] = b"\xa5" * (4096 * 6)
    file.write_bytes(content)

    result = stored("doctor", "--json")

    assert result.exit_code == FAILED
    assert findings(result)["integrity"]["state"] == "fail"
    assert "backup" in findings(result)["integrity"]["remedy"]


@pytest.mark.skipif(sys.platform != "linux", reason="needs a folder that nobody can write to")
def test_a_folder_that_cannot_be_written_fails(tmws, monkeypatch):
    monkeypatch.setenv("TMWS_HOME", "/proc/tmws")

    result = tmws("doctor", "--json")

    assert result.exit_code == FAILED
    assert findings(result)["write"]["state"] == "fail"
    assert "TMWS_HOME" in findings(result)["write"]["remedy"]


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() == 0, reason="permissions bind neither root nor Windows"
)
def test_a_read_only_folder_fails(stored, home):
    home.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        result = stored("doctor", "--json")
    finally:
        home.chmod(stat.S_IRWXU)

    assert result.exit_code == FAILED
    assert findings(result)["write"]["state"] == "fail"


def test_without_the_embedders_table_it_names_the_tier_and_the_remedy(tmws, tmp_path, monkeypatch):
    folder = tmp_path / "static256"
    shutil.copytree(static.FOLDER, folder)
    (folder / static.ROWS_FILE).unlink()
    monkeypatch.setitem(embedder.EMBEDDERS, "static", lambda *_: static.load_static(folder))

    result = tmws("doctor", "--json")

    found = findings(result)["embedder"]
    assert result.exit_code == OK
    assert found["state"] == "warn"
    assert "Install the package again" in found["remedy"]
    assert "words alone" in found["remedy"]


@pytest.fixture
def no_sqlite_vec(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "sqlite_vec", None)
    driver.vector_extension.cache_clear()
    yield
    monkeypatch.undo()
    driver.vector_extension.cache_clear()


@pytest.mark.usefixtures("no_sqlite_vec")
def test_without_sqlite_vec_it_warns_and_the_server_still_works(tmws):
    result = tmws("doctor", "--json")

    assert result.exit_code == OK
    assert findings(result)["vectors"]["state"] == "warn"
    assert "pip install sqlite-vec" in findings(result)["vectors"]["remedy"]


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
def test_a_store_that_others_can_read_gets_the_commands_that_close_it(stored, home):
    home.chmod(0o755)
    (home / "tmws.db").chmod(0o644)

    result = stored("doctor", "--json")

    found = findings(result)["modes"]
    assert result.exit_code == OK
    assert found["state"] == "warn"
    assert f"chmod 700 {home}" in found["remedy"]
    assert f"chmod 600 {home / 'tmws.db'}" in found["remedy"]


def test_a_broken_pattern_is_named_with_its_file(tmws, tmp_path, monkeypatch):
    broken = tmp_path / "mine" / "memory" / "broken.yaml"
    broken.parent.mkdir(parents=True)
    broken.write_text("id: memory.broken\nroute: nowhere\n")
    monkeypatch.setenv("TMWS_PATTERN_DIRS", str(tmp_path / "mine"))

    result = tmws("doctor", "--json")

    assert findings(result)["patterns"]["state"] == "warn"
    assert "broken.yaml" in findings(result)["patterns"]["found"]


def test_a_redis_that_does_not_answer_is_shown_without_its_password(tmws, monkeypatch):
    monkeypatch.setenv("TMWS_REDIS_URL", "redis://ada:secret@127.0.0.1:1/0")

    result = tmws("doctor", "--json")

    assert findings(result)["redis"]["state"] == "warn"
    assert "127.0.0.1:1" in findings(result)["redis"]["found"]
    assert "secret" not in result.stdout


def test_settings_that_cannot_be_used_are_wrong_usage(tmws, monkeypatch):
    monkeypatch.setenv("TMWS_HTTP_PORT", "many")

    result = tmws("doctor")

    assert result.exit_code == USAGE
    assert "TMWS_HTTP_PORT" in result.stderr


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://localhost", "redis://localhost"),
        ("rediss://:s3@r.example.org:6380/1", "rediss://r.example.org:6380/1"),
        ("redis://h?password=s3", "redis://h"),
    ],
)
def test_no_password_is_shown(url, shown):
    assert without_password(url) == shown


def test_after_a_change_of_embedder_it_counts_the_vectors_that_are_made(tmws, monkeypatch):
    monkeypatch.setenv("TMWS_EMBEDDER", "none")
    tmws("inspect", "call", "store_memory", '{"content": "stored without a vector"}')
    monkeypatch.setenv("TMWS_EMBEDDER", "static")

    found = findings(tmws("doctor", "--json"))["embedder"]

    assert found["state"] == "ok"
    assert "0 of 1 memories have its vectors" in found["found"]


def test_a_redis_that_drops_keys_when_it_is_full_is_a_warning(tmws, monkeypatch, crashable_redis):
    monkeypatch.setenv("TMWS_REDIS_URL", crashable_redis.url)
    assert findings(tmws("doctor", "--json"))["redis"]["state"] == "ok"
    with client(crashable_redis.url) as asked:
        asked.config_set("maxmemory-policy", "allkeys-lru")

    found = findings(tmws("doctor", "--json"))["redis"]

    assert found["state"] == "warn"
    assert "allkeys-lru" in found["found"]
