"""What was forgotten long ago is gone from every byte of every file of the store."""

import random
from pathlib import Path

import pytest

from tests.memory.notebook import Notebook
from tmws_mcp.memory.lifecycle import DAY_SECONDS, UNDO_DAYS, purge
from tmws_mcp.store import driver

pytestmark = pytest.mark.anyio

PERIOD = UNDO_DAYS * DAY_SECONDS
NOTES = 120
KEPT = "the keepsake remains"


def secret(number: int) -> bytes:
    return f"xyzzy{number:03}plugh".encode()


def found_in(folder: Path, needles: list[bytes]) -> dict[str, int]:
    """Return in how many places the files of a store have one of some bytes."""
    counts = {
        file.name: sum(file.read_bytes().count(needle) for needle in needles)
        for file in folder.iterdir()
    }
    return {name: count for name, count in counts.items() if count}


async def write_and_forget(notes: Notebook) -> tuple[list[bytes], list[bytes]]:
    """Write notes of all lengths, forget each tenth; return the secrets and vectors of those."""
    choose = random.Random(7)
    words = ["".join(choose.choices("bcdfgklmnprstaeiou", k=7)) for _ in range(900)]
    ids: list[str] = []
    for number in range(NOTES):
        text = " ".join(choose.choices(words, k=choose.choice([5, 40, 400])))
        thread = choose.choice(["", "t"])
        if number % 10:
            await notes.remember(text, thread=thread)
            continue
        word = secret(number).decode()
        stored = await notes.remember(
            f"{text} {word}", thread=thread, speaker=word, source=word, tags=[word]
        )
        ids.append(stored.id)
    vectors = await notes.rows(
        "SELECT v.e FROM memory m JOIN memory_vectors_1 v ON v.rowid = m.id "
        f"WHERE m.uid IN ({','.join('?' * len(ids))})",
        *ids,
    )
    await notes.remember(KEPT)
    return [secret(number) for number in range(0, NOTES, 10)], [row[0] for row in vectors]


async def test_no_file_holds_a_byte_of_what_was_erased(notes: Notebook, tmp_path: Path) -> None:
    secrets, vectors = await write_and_forget(notes)
    await notes.store.empty_log()
    for needles in (secrets, vectors):
        assert sum(found_in(tmp_path, needles).values()) >= len(needles)
    ids = await notes.rows("SELECT uid FROM memory WHERE speaker LIKE 'xyzzy%'")
    await notes.forget(*(row[0] for row in ids))

    erased = await notes.store.write(purge, notes.now + PERIOD + 1)
    emptied = await notes.store.empty_log()

    assert (erased, emptied) == (len(secrets), True)
    assert found_in(tmp_path, [*secrets, *vectors, b"xyzzy"]) == {}
    assert found_in(tmp_path, [KEPT.encode()]) == {"tmws.db": 1}


async def test_the_log_is_emptied_as_soon_as_nobody_reads_from_it(
    notes: Notebook, tmp_path: Path
) -> None:
    await notes.remember("first")
    reader = driver.connect(notes.store.path)
    reader.rows("BEGIN")
    reader.rows("SELECT count(*) FROM memory")
    await notes.remember("second")

    assert not await notes.store.empty_log()
    reader.close()

    assert await notes.store.empty_log()
    assert (tmp_path / "tmws.db-wal").stat().st_size == 0
