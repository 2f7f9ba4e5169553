"""Both SQLite libraries give the same connection."""

import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tmws_mcp.store import driver
from tmws_mcp.store.apsw_connection import ApswConnection
from tmws_mcp.store.driver import Connection, SqliteError
from tmws_mcp.store.stdlib_connection import StdlibConnection

old_stdlib = pytest.mark.skipif(
    sqlite3.sqlite_version_info < driver.OLDEST_SQLITE, reason="this Python's SQLite is too old"
)


@pytest.fixture(params=[ApswConnection, pytest.param(StdlibConnection, marks=old_stdlib)])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Connection]:
    path = tmp_path / "a.db"
    path.touch()
    connection: Connection = request.param(path, 0.1)
    connection.script(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);\nINSERT INTO t VALUES(1,'x');"
    )
    yield connection
    connection.close()


def test_rows_and_counts(db: Connection) -> None:
    db.run_many("INSERT INTO t(b) VALUES (?)", [("y",), ("z",)])

    assert db.rows("SELECT b FROM t ORDER BY a") == [("x",), ("y",), ("z",)]
    assert db.row("SELECT b FROM t WHERE a = ?", (2,)) == ("y",)
    assert db.row("SELECT b FROM t WHERE a = :a", {"a": 9}) is None
    assert db.run("UPDATE t SET b = 'w' WHERE a > 1") == 2


def test_a_script_stays_in_its_transaction(db: Connection) -> None:
    db.rows("BEGIN IMMEDIATE")
    db.script("INSERT INTO t(b) VALUES ('y');\nINSERT INTO t(b) VALUES ('z');")
    assert db.in_transaction
    db.rows("ROLLBACK")

    assert db.row("SELECT count(*) FROM t") == (1,)


def test_refusals_carry_their_code(db: Connection) -> None:
    with pytest.raises(SqliteError) as refused:
        db.run("INSERT INTO t VALUES (1, 'again')")

    assert refused.value.code == driver.CONSTRAINT


def test_sql_cannot_load_code(db: Connection) -> None:
    if driver.library().loads_extensions:
        driver.load_vectors(db)

    with pytest.raises(SqliteError, match="not authorized"):
        db.rows("SELECT load_extension('anything')")


def test_vectors_are_there_where_the_extension_is(db: Connection) -> None:
    if not driver.load_vectors(db):
        pytest.skip("no sqlite-vec for this platform")

    assert db.row("SELECT vec_length(vec_int8(x'010203'))") == (3,)


def test_the_extension_is_found_without_importing_its_package() -> None:
    before = set(sys.modules)
    driver.vector_extension.cache_clear()
    driver.vector_extension()

    assert "sqlite_vec" not in set(sys.modules) - before


def test_without_apsw_the_standard_library_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    driver.library.cache_clear()
    monkeypatch.setitem(sys.modules, "apsw", None)
    try:
        assert driver.library().name == "sqlite3"
        assert driver.library().version == sqlite3.sqlite_version_info[:3]
    finally:
        driver.library.cache_clear()


def test_an_old_sqlite_is_refused_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 40, 0))

    with pytest.raises(SqliteError, match="install apsw"):
        StdlibConnection(tmp_path / "a.db", 0.1)
