"""What has expired is not recalled, can be extended for a while, and then leaves no byte behind."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.memory.notebook import Notebook
from tests.memory.test_erasure import found_in
from tmws_mcp.errors import InvalidInput, NotFound
from tmws_mcp.memory.lifecycle import DAY_SECONDS, EXPIRED_DAYS, purge
from tmws_mcp.memory.upkeep.expiry import expired, extend

pytestmark = pytest.mark.anyio

PERIOD = EXPIRED_DAYS * DAY_SECONDS


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


async def short_lived(notes: Notebook, content: str = "The offer xyzzy ends.", **more) -> str:
    stored = await notes.remember(content, expires_at=moment(notes.now + 100), **more)
    return stored.id


async def test_the_expired_are_listed_until_they_are_erased(notes: Notebook) -> None:
    uid = await short_lived(notes)
    assert await notes.store.read(expired, notes.scope, notes.now, 10) == ()
    notes.now += 200

    listed = await notes.store.read(expired, notes.scope, notes.now, 10)

    assert [memory.id for memory in listed] == [uid]
    assert await notes.found("offer") == []
    assert await notes.store.write(purge, notes.now) == 0
    assert await notes.store.write(purge, notes.now + PERIOD) == 1
    assert await notes.store.read(expired, notes.scope, notes.now, 10) == ()


async def test_no_file_holds_a_byte_of_what_expired_long_ago(
    notes: Notebook, tmp_path: Path
) -> None:
    await notes.remember("said before", thread="t")
    await short_lived(
        notes, "The passphrase is xyzzyplugh.", thread="t", tags=["xyzzytag"], speaker="Xyzzy"
    )
    await notes.remember("said after", thread="t")
    vectors = await notes.rows(
        "SELECT v.e FROM memory m JOIN memory_vectors_1 v ON v.rowid = m.id "
        "WHERE m.content LIKE '%xyzzy%'"
    )
    await notes.store.empty_log()
    assert found_in(tmp_path, [b"xyzzy"])

    assert await notes.store.write(purge, notes.now + PERIOD + 200) == 1
    assert await notes.store.empty_log()

    assert found_in(tmp_path, [b"xyzzy", b"Xyzzy", vectors[0][0]]) == {}
    assert await notes.found("said") != []


async def test_the_older_versions_of_what_expired_do_not_come_back(notes: Notebook) -> None:
    first = await notes.remember("The offer is 1.")
    await short_lived(notes, "The offer is 2.", supersedes=first.id)

    assert await notes.store.write(purge, notes.now + PERIOD + 200) == 2

    assert await notes.found() == []


async def test_an_older_version_that_expired_leaves_the_newest_alone(notes: Notebook) -> None:
    first = await short_lived(notes, "The offer is 1.")
    await notes.remember("The offer is 2.", supersedes=first)

    assert await notes.store.write(purge, notes.now + PERIOD + 200) == 1

    assert await notes.found("offer") == ["The offer is 2."]


async def test_who_is_extended_in_time_is_found_again(notes: Notebook) -> None:
    uid = await short_lived(notes)
    notes.now += 200

    until = moment(notes.now + 10 * PERIOD)
    await notes.store.write(extend, [uid], until, notes.scope, now=notes.now)

    assert await notes.found("offer") == ["The offer xyzzy ends."]
    assert await notes.store.write(purge, notes.now + 2 * PERIOD) == 0
    [memory] = await notes.store.write(extend, [uid], None, notes.scope, now=notes.now)
    assert memory.expires_at is None


async def test_nothing_is_extended_that_is_unknown_past_or_stored_again(notes: Notebook) -> None:
    uid = await short_lived(notes)
    notes.now += 200
    later = moment(notes.now + 100)

    with pytest.raises(NotFound, match="memories expired"):
        await notes.store.write(extend, ["mnosuch"], later, notes.scope, now=notes.now)
    with pytest.raises(InvalidInput, match="has passed"):
        await notes.store.write(extend, [uid], moment(notes.now - 1), notes.scope, now=notes.now)
    again = await notes.remember("The offer xyzzy ends.")
    with pytest.raises(InvalidInput, match=again.id):
        await notes.store.write(extend, [uid], later, notes.scope, now=notes.now)
