"""Both SQLite libraries give the same connection."""

import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tmws_mcp.store import driver, namespaces, stdlib_connection
from tmws_mcp.store.database import Database
from tmws_mcp.store.driver import Connection, SqliteError
from tmws_mcp.store.stdlib_connection import StdlibConnection


@pytest.fixture
def without_apsw(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "apsw", None)
    # What is asked of a connection here needs no recent SQLite; the index of words does.
    monkeypatch.setattr(stdlib_connection, "OLDEST_SQLITE", (3, 31, 0))
    driver.library.cache_clear()
    yield
    driver.library.cache_clear()


@pytest.fixture(params=["apsw", "sqlite3"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Connection]:
    if request.param == "sqlite3":
        request.getfixturevalue("without_apsw")
    path = tmp_path / "a.db"
    path.touch()
    connection = driver.connect(path)
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


def test_a_statement_is_planned_alike_whatever_is_bound_to_it(db: Connection) -> None:
    if sys.version_info < (3, 12) and isinstance(db, StdlibConnection):
        pytest.skip("the standard library cannot ask for it yet")
    db.rows("CREATE INDEX t_b ON t(b COLLATE NOCASE)")
    plan = "EXPLAIN QUERY PLAN SELECT a FROM t WHERE b LIKE ?"
    # Whoever looks at what is bound finds that the first one begins with a letter.
    narrow, wide = (db.rows(plan, (text,)) for text in ("x%", "%x"))

    assert narrow == wide


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


@pytest.mark.usefixtures("without_apsw")
def test_without_apsw_the_standard_library_serves() -> None:
    assert driver.library().name == "sqlite3"
    assert driver.library().version == sqlite3.sqlite_version_info[:3]


@pytest.mark.usefixtures("without_apsw")
@pytest.mark.anyio
async def test_a_whole_store_works_without_apsw(tmp_path: Path) -> None:
    async with Database(tmp_path / "tmws.db") as store:
        await store.write(namespaces.ensure, "notes", 1.0)
        assert await store.read(namespaces.names) == ("notes",)


def test_an_old_sqlite_is_refused_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 40, 0))

    with pytest.raises(SqliteError, match="install apsw"):
        StdlibConnection(tmp_path / "a.db", 0.1)


def test_prepared_statements_are_kept_up_to_their_bound(tmp_path: Path) -> None:
    apsw_connection = pytest.importorskip("tmws_mcp.store.apsw_connection")
    path = tmp_path / "b.db"
    path.touch()
    kept = apsw_connection.ApswConnection(path, 1.0)
    for number in range(2 * driver.STATEMENTS_KEPT_MAX):
        kept.rows(f"SELECT {number}")

    stats = kept._db.cache_stats(include_entries=True)
    assert stats["size"] == driver.STATEMENTS_KEPT_MAX >= len(stats["entries"])
    kept.close()
