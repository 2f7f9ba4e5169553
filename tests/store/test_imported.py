"""Which files were imported is kept within bounds."""

import pytest

from tmws_mcp.model.transfer import FileMark
from tmws_mcp.store import imported, namespaces
from tmws_mcp.store.database import Database
from tmws_mcp.store.driver import Connection

pytestmark = pytest.mark.anyio


def mark(number: int, *, size: int = 1) -> FileMark:
    return FileMark(file=number.to_bytes(16), size=size, changed_ns=7)


async def test_of_too_many_files_the_oldest_are_read_again(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imported, "MARKS_MAX", 3)

    def noted(db: Connection) -> set[bytes]:
        ns = namespaces.ensure(db, "team", 0.0)
        for number in range(5):
            imported.note(db, ns, [mark(number)], float(number))
        return imported.unknown(db, ns, [mark(number) for number in range(5)])

    assert await store.write(noted) == {mark(0).file, mark(1).file}


async def test_a_file_that_changed_is_unknown_until_it_is_noted_again(store: Database) -> None:
    def changed(db: Connection) -> list[set[bytes]]:
        ns = namespaces.ensure(db, "team", 0.0)
        imported.note(db, ns, [mark(1)], 0.0)
        before = imported.unknown(db, ns, [mark(1, size=2)])
        imported.note(db, ns, [mark(1, size=2)], 1.0)
        return [before, imported.unknown(db, ns, [mark(1, size=2)])]

    assert await store.write(changed) == [{mark(1).file}, set()]
