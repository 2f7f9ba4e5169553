"""Consolidation: what nobody would miss leaves the answers, and can be brought back.

Nothing is deleted and no text is changed. An archived memory keeps its row, no query finds it, its
id still reads it. Four rules, each of them stated with the proposal:

- duplicate: another memory says the same in the same words; only marks, capitals, articles and
  white space differ. The one that lives longest, matters most and has all the tags is kept.
- superseded: a newer version has held for SUPERSEDED_DAYS.
- faded: a turn of a conversation of low importance, which no recall has shown in FADED_DAYS.
- retired: older than the settings want memories to be found.
"""

import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tmws_mcp.errors import NotFound
from tmws_mcp.memory.lifecycle import embed, index_missing
from tmws_mcp.memory.repeats import AREA
from tmws_mcp.memory.reply.shown import moment
from tmws_mcp.memory.row import ALPHABET, UID_CHARS
from tmws_mcp.memory.upkeep import echo
from tmws_mcp.model import Scope
from tmws_mcp.model.upkeep import ArchiveBatch, Proposal
from tmws_mcp.store import archives, candidates, memories, namespaces, vectors
from tmws_mcp.store.archives import DUPLICATE, FADED, RETIRED, SUPERSEDED
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.memories import Record

if TYPE_CHECKING:
    from tmws_mcp.embedding.embedder import Embedder

DAY_SECONDS = 86_400
SUPERSEDED_DAYS = 90
FADED_DAYS = 180
FADED_IMPORTANCE_MAX = 0.3
"""Below the default of 0.5: somebody said that it matters little."""
DUPLICATE_SIMILARITY_MIN = 0.97
DAY_CHARS = len("2023-05-08")
SLICE = 200
"""Memories that one transaction archives, or brings back: it holds the write lock."""
BATCHES_SHOWN_MAX = 50
EXCERPT_CHARS_MAX = 120
TRUST_ORDER = ("import", "tool", "agent", "user")


def proposals(db: Connection, ns: int, now: float, limit: int = SLICE) -> list[Proposal]:
    """Return what the rules would archive in a namespace, each memory once."""
    found = [
        *_duplicates(db, ns, limit),
        *_by_rule(db, candidates.superseded(db, ns, _before(now, SUPERSEDED_DAYS), limit),
                  SUPERSEDED),
        *_by_rule(db, candidates.faded(db, ns, _before(now, FADED_DAYS), FADED_IMPORTANCE_MAX,
                                       limit), FADED),
    ]  # fmt: skip
    once = {proposal.id: proposal for proposal in reversed(found)}
    return list(reversed(once.values()))[:limit]


def retire(db: Connection, retention: Mapping[str, int], now: float) -> int:
    """Archive a slice of what is older than the settings want it to be found; return how many.

    `retention` names the days for each kind. What is retired on one day in a namespace is a batch.
    """
    for name in namespaces.names(db):
        ns = namespaces.find(db, name)
        assert ns is not None
        for kind, days in retention.items():
            old = candidates.older(db, ns, kind, _before(now, days), SLICE)
            if old:
                day = moment(now)[:DAY_CHARS]
                apply(db, ns, _by_rule(db, old, RETIRED), f"retired-{day}-{ns}", now)
                return len(old)
    return 0


def _before(now: float, days: int) -> float:
    return now - days * DAY_SECONDS


def _by_rule(db: Connection, keys: Sequence[int], reason: str) -> list[Proposal]:
    return [_proposal(record, reason) for record in memories.records(db, keys)]


def _proposal(record: Record, reason: str, kept: str | None = None) -> Proposal:
    text = " ".join(record.content.split())
    return Proposal(id=record.uid, reason=reason, kept=kept, content=text[:EXCERPT_CHARS_MAX])


def _duplicates(db: Connection, ns: int, limit: int) -> list[Proposal]:
    gone: dict[int, Proposal] = {}
    last = 0
    # Page by page: pairs that are no duplicates after all must not use up the limit.
    while len(gone) < limit and (
        pairs := candidates.twins(db, ns, DUPLICATE_SIMILARITY_MIN, last, SLICE)
    ):
        _judge_pairs(db, pairs, gone)
        last = pairs[-1][0]
    return list(gone.values())[:limit]


def _judge_pairs(
    db: Connection, pairs: Sequence[tuple[int, int]], gone: dict[int, Proposal]
) -> None:
    records = {one.id: one for one in memories.records(db, sorted({k for p in pairs for k in p}))}
    for one, other in pairs:
        kept, left = sorted((records[one], records[other]), key=_worth, reverse=True)
        free = kept.id not in gone and left.id not in gone
        if free and set(left.tags) <= set(kept.tags) and _same_words(kept.content, left.content):
            gone[left.id] = _proposal(left, DUPLICATE, kept.uid)


def _worth(record: Record) -> tuple[float, int, float, int, int]:
    """Return by what the memory to keep is chosen: the greater stays."""
    lasts = float("inf") if record.expires_at is None else record.expires_at
    trust = TRUST_ORDER.index(record.trust)
    return lasts, len(record.tags), record.importance, trust, record.id


def _same_words(one: str, other: str) -> bool:
    return echo.fingerprint(one.casefold()) == echo.fingerprint(other.casefold())


def new_batch(db: Connection) -> str:
    """Return an id for what is archived together."""
    uid = "a" + "".join(secrets.choice(ALPHABET) for _ in range(UID_CHARS))
    assert not archives.taken(db, uid), "ids repeat: the source of randomness is broken"
    return uid


def apply(db: Connection, ns: int, chosen: Sequence[Proposal], batch: str, now: float) -> None:
    """Archive what was proposed in the same transaction."""
    uids = [uid for one in chosen for uid in (one.id, one.kept or one.id)]
    keys = memories.keys_of(db, uids, [ns])
    key = archives.open_batch(db, ns, batch, now)
    for one in chosen:
        archives.archive(db, key, keys[one.id], one.reason, keys[one.kept or one.id])
    # As their neighbours' context they stay: what was said is still what was said.
    vectors.withdraw(db, [keys[one.id] for one in chosen])
    namespaces.touch(db, ns, AREA)


def bring_back(
    db: Connection, uid: str, scope: Scope, *, embedder: "Embedder | None", now: float
) -> tuple[int, int]:
    """Undo a slice of a batch; return how many are back, and how many are left in it.

    Those whose text was stored again in the meantime stay archived: there would be two of them.

    Raises:
        NotFound: The namespace has no such batch.
    """
    ns = namespaces.find(db, scope.namespace)
    members = archives.members(db, ns, uid) if ns is not None else []
    if ns is None or not members:
        remedy = "`tmws-mcp memories archives` lists them; --namespace looks into another one."
        raise NotFound("archive", uid, remedy=remedy)
    free = [one for one in members if not _stored_again(db, ns, one, now)]
    back = archives.bring_back(db, free[:SLICE])
    index_missing(db, ns, back)
    embed(db, ns, back, embedder)
    namespaces.touch(db, ns, AREA)
    return len(free[:SLICE]), len(free[SLICE:])


def _stored_again(db: Connection, ns: int, member: tuple[int, str], now: float) -> bool:
    key, reason = member
    if reason == SUPERSEDED:
        return False
    return memories.same_text(db, ns, candidates.text_hash(db, key), now) is not None


def batches(db: Connection, scope: Scope) -> tuple[ArchiveBatch, ...]:
    """Return what was archived in a namespace, the newest batch first."""
    ns = namespaces.find(db, scope.namespace)
    found = archives.batches(db, ns, BATCHES_SHOWN_MAX) if ns is not None else []
    return tuple(
        ArchiveBatch(
            id=batch.uid,
            namespace=batch.namespace,
            made_at=moment(batch.made_at),
            reasons=batch.reasons,
        )
        for batch in found
    )
