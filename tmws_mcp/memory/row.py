"""A request -> a row of the store: its public id, the hash of its text, its times, its origin."""

import secrets
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import islice

from tmws_mcp.model import Origin, StoreRequest
from tmws_mcp.store import memories, origins, threads
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.memories import HASH_BYTES

# Lower case without the letters and digits that look alike (i l o 0 1): people read ids aloud, and
# models copy them. 31^10 is 8e14.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
UID_CHARS = 10
UID_TRIES = 8
LATEST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()
"""A fraction of a second later is rounded to the year 10000, which cannot be shown."""
QUESTION_MARKS = ("?", "？")  # noqa: RUF001 - the full-width one


def insert(
    db: Connection,
    ns: int,
    request: StoreRequest,
    *,
    uid: str,
    content_hash: bytes,
    persona: str | None,
    origin: int,
    now: float,
) -> int:
    """Write the row of a new memory, and return its key."""
    thread, position = threads.append(db, ns, request.thread) if request.thread else (None, None)
    new = memories.NewMemory(
        uid=uid,
        ns=ns,
        thread=thread,
        thread_position=position,
        kind=request.kind,
        importance=request.importance,
        persona=persona or None,
        speaker=request.speaker or None,
        source=request.source or None,
        occurred_at=seconds(request.occurred_at),
        expires_at=seconds(request.expires_at),
        created_at=now,
        asks=is_question(request.content),
        content_hash=content_hash,
        content=request.content,
        tags=tags(request),
        origin=origin,
    )
    return memories.insert(db, new)


def text_hash(content: str) -> bytes:
    """Return the hash by which two texts count as the same.

    Composed and decomposed accents are the same, and so is any white space. Case is not: `Foo` and
    `foo` are two symbols, and storing one sentence twice costs less than losing one of them.
    """
    text = " ".join(unicodedata.normalize("NFC", content).split())
    return blake2b(text.encode(), digest_size=HASH_BYTES).digest()


def is_question(content: str) -> bool:
    """Tell whether a text ends as a question does."""
    return content.rstrip().endswith(QUESTION_MARKS)


def seconds(when: datetime | None) -> float | None:
    """Return a time as seconds; "never" is often written as a time that no calendar goes beyond."""
    return None if when is None else min(when.timestamp(), LATEST)


def tags(request: StoreRequest) -> tuple[str, ...]:
    """Return the tags without blanks around them, each once."""
    return stripped_tags(request.tags)


def stripped_tags(given: Iterable[str]) -> tuple[str, ...]:
    """Return tags without blanks around them, each once."""
    stripped = (" ".join(tag.split()) for tag in given)
    return tuple(dict.fromkeys(tag for tag in stripped if tag))


def origin_of(db: Connection, origin: Origin, request: StoreRequest) -> int:
    """Return the key of where a memory comes from.

    What comes by an import is no better for what it says of itself.
    """
    trust = origin.trust if origin.trust == "import" else request.trust
    return origins.ensure(db, origin.model_copy(update={"trust": trust}))


def new_uids(db: Connection, count: int) -> list[str]:
    """Return public ids that no memory has."""
    for _ in range(UID_TRIES):
        letters = _letters()
        uids = ["m" + "".join(islice(letters, UID_CHARS)) for _ in range(count)]
        if len(set(uids)) == count and not memories.uids_taken(db, uids):
            return uids
    raise AssertionError("ids repeat: the source of randomness is broken")


def _letters() -> Iterator[str]:
    """Give letters of the alphabet, each as probable as any other."""
    fair = 256 - 256 % len(ALPHABET)  # bytes beyond would favour the first letters
    while True:
        for byte in secrets.token_bytes(UID_CHARS * 8):
            if byte < fair:
                yield ALPHABET[byte % len(ALPHABET)]
