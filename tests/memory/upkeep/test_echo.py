"""Text that recall has shown is recognised when it is stored again; a new fact never is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.memory.notebook import Notebook
from tmws_mcp.memory.recall import STORED_SINCE, WORDS_ALONE
from tmws_mcp.memory.remember import remember
from tmws_mcp.memory.reply.text import recall_text, store_text
from tmws_mcp.memory.upkeep import echo
from tmws_mcp.model import StoreReply, StoreRequest

pytestmark = pytest.mark.anyio

PORT = "The staging port is 8080. It was chosen in May."
PLAN = "Releases happen on Tuesday:\n- tag it\n- ship it"


class Reader:
    """Recalls and stores as one process does: what was recalled is kept in mind."""

    def __init__(self, notes: Notebook) -> None:
        self.notes, self.ring = notes, echo.Ring()

    async def read(self, query: str = "", **arguments) -> str:
        reply = await self.notes.recall(query, **arguments)
        for memory in reply.memories:
            self.ring.note(memory.id, memory.content, self.notes.now)
        return recall_text(reply)

    async def store(self, content: str, **arguments) -> StoreReply:
        return await self.notes.store.write(
            remember,
            StoreRequest(content=content, **arguments),
            self.notes.scope,
            embedder=self.notes.embedder,
            now=self.notes.now,
            was_shown=self.ring.known(self.notes.now),
        )


@pytest.fixture
def reader(notes: Notebook) -> Reader:
    return Reader(notes)


@pytest.mark.parametrize(
    "text",
    [
        "[{id} .87 2023-11-14] {port}",
        "- {port}",
        "Remember that the staging port is 8080. It was chosen in May.",
        "staging port is 8080; it was chosen in May",
        "“The staging port is 8080.” it was chosen in May!",
        "the   staging port is\n8080. It was chosen in May",
        "Note: {port}",
    ],
)
async def test_a_recalled_text_in_other_clothes_is_an_echo(
    reader: Reader, text: str, notes: Notebook
) -> None:
    stored = await notes.remember(PORT)
    await reader.read("staging port")

    again = await reader.store(text.format(id=stored.id, port=PORT))

    assert (again.created, again.duplicate_of, again.echo_of) == (False, stored.id, (stored.id,))
    assert stored.id in store_text(again)
    assert "nothing new was stored" in store_text(again)


async def test_a_whole_reply_names_all_its_memories(reader: Reader, notes: Notebook) -> None:
    plan, port = await notes.remember(PLAN), await notes.remember(PORT, tags=["net"])
    shown = await reader.read()

    again = await reader.store(shown)

    assert set(again.echo_of) == {plan.id, port.id}


async def test_memories_pasted_together_name_each_of_them(reader: Reader, notes: Notebook) -> None:
    plan, port = await notes.remember(PLAN), await notes.remember(PORT)
    await reader.read()

    for text in (f"{PORT} {PLAN}", f"{PLAN}\n\n{PORT}", f"* {PORT}\n* {PLAN}"):
        assert set((await reader.store(text)).echo_of) == {plan.id, port.id}


async def test_a_frame_is_recognised_by_a_process_that_has_not_shown_it(
    reader: Reader, notes: Notebook
) -> None:
    stored = await notes.remember(PORT)

    again = await reader.store(f"[{stored.id} .87 2023-11-14] {PORT}")

    assert again.echo_of == (stored.id,)


async def test_a_passage_that_was_shown_is_an_echo(reader: Reader, notes: Notebook) -> None:
    long = " ".join(f"Sentence {i} is about the harvest of apples." for i in range(200))
    stored = await notes.remember(long)
    reply = await notes.recall("harvest of apples", token_budget=120)
    [memory] = reply.memories
    assert memory.passage
    reader.ring.note(memory.id, memory.content, notes.now)

    again = await reader.store(memory.content)

    assert again.echo_of == (stored.id,)


@pytest.mark.parametrize(
    "text",
    [
        "The staging port is 8081. It was chosen in May.",
        "The staging port is -8080. It was chosen in May.",
        "The staging port is not 8080. It was chosen in May.",
        "The staging port is 8080? It was chosen in May.",
        "The staging port was 8080. It was chosen in May.",
        "The staging port is 8080. It was chosen in June.",
        "The staging port is 8080.",
        "The Staging port is 8080. It was chosen in May.",
        "The staging port is 8080. It was chosen in May. Ada chose it.",
        "[{id} .87 2023-11-14] The staging port is 8081. It was chosen in May.",
        "It was chosen in May. The staging port is 8080.",
        "[TKT-12] {port}",
        "[mabcdefghjk .87 2023-11-14] {port}",
    ],
)
async def test_whatever_says_anything_else_is_stored(
    reader: Reader, text: str, notes: Notebook
) -> None:
    stored = await notes.remember(PORT)
    await reader.read("staging port")

    assert (await reader.store(text.format(id=stored.id, port=PORT))).created


async def test_the_frame_of_an_imported_id_is_known_too(reader: Reader, notes: Notebook) -> None:
    stored = await notes.remember(PORT)
    await notes.store.write(lambda db: db.run("UPDATE memory SET uid = 'Note_7-b'"))
    await reader.read("staging port")

    again = await reader.store(f"[Note_7-b .91 2023-11-14 Ada] {PORT}")

    assert again.echo_of == ("Note_7-b",) != (stored.id,)


@pytest.mark.parametrize(
    "more", [{"thread": "t"}, {"occurred_at": "2024-01-01"}, {"supersedes": "ID"}]
)
async def test_a_thread_a_time_or_an_older_version_make_it_another_fact(
    reader: Reader, more: dict[str, str], notes: Notebook
) -> None:
    stored = await notes.remember(PORT)
    await reader.read("staging port")
    more = {name: value.replace("ID", stored.id) for name, value in more.items()}

    assert (await reader.store(f"Note: {PORT}", **more)).created


async def test_what_was_forgotten_or_replaced_since_is_stored(
    reader: Reader, notes: Notebook
) -> None:
    stored = await notes.remember(PORT)
    await reader.read("staging port")
    await notes.forget(stored.id)

    assert (await reader.store(f"Note: {PORT}")).created


async def test_what_was_shown_of_another_namespace_does_not_count(
    reader: Reader, notes: Notebook
) -> None:
    await notes.within("elsewhere").remember(PORT)
    other = Reader(notes.within("elsewhere"))
    await other.read("staging port")
    reader.ring = other.ring

    assert (await reader.store(f"Note: {PORT}")).created


async def test_an_echo_adds_its_tags_to_the_original(reader: Reader, notes: Notebook) -> None:
    await notes.remember(PORT)
    await reader.read("staging port")

    await reader.store(f"Note: {PORT}", tags=["net"])

    assert await notes.found("staging port", tags=["net"]) == [PORT]


async def test_what_was_shown_long_ago_is_out_of_mind(reader: Reader, notes: Notebook) -> None:
    await notes.remember(PORT)
    await reader.read("staging port")
    notes.now += echo.RING_SECONDS_MAX + 1

    assert (await reader.store(f"Note: {PORT}")).created


@pytest.mark.parametrize("note", [WORDS_ALONE, STORED_SINCE, f"{STORED_SINCE} {WORDS_ALONE}"])
def test_the_notes_of_a_reply_are_no_part_of_what_it_shows(note: str) -> None:
    ring = echo.Ring()
    ring.note("m1", PORT, 0.0)

    assert echo.originals(f"{PORT}\n{note}", ring.known(0.0)) == ["m1"]


def test_the_ring_is_bounded_and_forgets_the_oldest() -> None:
    ring = echo.Ring()
    for i in range(echo.RING_MAX + 10):
        ring.note(f"m{i}", f"text {i}", 0.0)

    assert len(ring) == echo.RING_MAX
    assert ring.known(0.0)(echo.fingerprint("text 0")) is None
    assert ring.known(0.0)(echo.fingerprint("text 10")) == "m10"


def test_the_ring_keeps_no_text() -> None:
    ring = echo.Ring()
    ring.note("m1", "a secret passphrase", 0.0)

    assert "secret" not in repr(vars(ring))


def test_a_text_of_more_sentences_than_are_looked_at_is_no_echo() -> None:
    text = " ".join(["One more."] * (echo.UNITS_MAX + 1))
    ring = echo.Ring()
    ring.note("m1", "One more.", 0.0)

    assert echo.originals("One more. One more.", ring.known(0.0)) == ["m1"]
    assert echo.originals(text, ring.known(0.0)) == []


@given(st.text(max_size=200), st.text(alphabet="0123456789", min_size=1, max_size=6))
def test_a_number_more_is_never_an_echo(text: str, number: str) -> None:
    ring = echo.Ring()
    ring.note("m1", text, 0.0)

    assert "m1" not in echo.originals(f"{text} {number}x9", ring.known(0.0)) or not text.strip()
