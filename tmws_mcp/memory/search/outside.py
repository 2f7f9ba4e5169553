"""Do memories stay outside of what a recall showed? The reasons stand in standing.py.

Imports numpy: only functions import this module.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING

import numpy as np

from tmws_mcp.memory.language.terms import KEY, number
from tmws_mcp.memory.search.candidates import PART_WEIGHT, Probe, exact_cosines
from tmws_mcp.memory.search.confidence import COSINE_ALONE_MIN
from tmws_mcp.memory.search.index import U32
from tmws_mcp.memory.search.search import among, probe
from tmws_mcp.memory.search.variety import asks_for_several
from tmws_mcp.model.memory import focus_of
from tmws_mcp.store import forward, memories, segments
from tmws_mcp.store.driver import Connection

if TYPE_CHECKING:
    from tmws_mcp.embedding.embedder import Embedder
    from tmws_mcp.memory.call import Recall
    from tmws_mcp.memory.standing import Showed

SAID_SHARE_MAX = 0.9
"""Of what the weakest shown says of the query: who says less is clearly behind it."""
COSINE_MARGIN = 0.03
"""By so much its meaning has to be further off than that of all shown."""
SCORE_MARGIN = 0.03
"""By so much a score has to be lower: among fewer memories it is a little another one."""


@dataclass(frozen=True, slots=True)
class Floor:
    """The least of the query that a memory must say to belong into the answer."""

    said: float
    cosine: float


def outside(
    db: Connection,
    showed: "Showed",
    call: "Recall",
    new: Sequence[int],
    *,
    dated: bool,
    embedder: "Embedder | None",
    now: float,
) -> bool:
    """Tell whether all of the new memories are clearly behind those that are shown.

    `dated` says whether one of them tells when it happened.
    """
    what, where = probe(db, showed.request.query, embedder, now), call.where
    if what.spans and dated:
        return False
    shown = list(memories.keys_of(db, sorted(showed.ids), where).values())
    terms = _terms(db, [*shown, *new])
    if any(memory not in terms for memory in new):
        return False  # it is not indexed yet
    if _holds_key(what, terms, new):
        return False
    weights = _weights(db, where, what)
    said = {memory: _said(held, what, weights) for memory, held in terms.items()}
    cosines = exact_cosines(db, [*shown, *new], what) if what.space and what.vector else {}
    floor = _floor(showed, shown, said, cosines)
    near = [
        memory
        for memory in new
        if said[memory] > floor.said or cosines.get(memory, 0.0) >= floor.cosine
    ]
    return not near or _ranked_behind(db, showed, call, what, shown, near)


def _ranked_behind(
    db: Connection,
    showed: "Showed",
    call: "Recall",
    what: Probe,
    shown: Sequence[int],
    near: Sequence[int],
) -> bool:
    """Tell whether memories that may belong into the answer do not, ranked with what is shown."""
    if not shown or not (showed.full or showed.focused) or asks_for_several(what.query.text):
        return False
    ranked = (among(db, ns, what, [*shown, *near], call.chosen) for ns in call.where)
    scores = {hit.id: hit.score for hits in ranked for hit in hits}
    held = [scores[memory] for memory in shown if memory in scores]
    if len(held) < len(shown):
        return False
    least = focus_of(showed.request) * max(held) if showed.focused else min(held)
    return all(scores.get(memory, 0.0) < least - SCORE_MARGIN for memory in near)


def _floor(
    showed: "Showed",
    shown: Sequence[int],
    said: Mapping[int, float],
    cosines: Mapping[int, float],
) -> Floor:
    if not shown or not (showed.full or showed.focused):
        return Floor(0.0, COSINE_ALONE_MIN)
    of = [(said.get(memory, 0.0), cosines.get(memory, 0.0)) for memory in shown]
    least, nearest = (min(values) for values in zip(*of, strict=True))
    if showed.focused:  # there is room for what is not as good as any that is shown
        least, nearest = (
            focus_of(showed.request) * max(values) for values in zip(*of, strict=True)
        )
    return Floor(SAID_SHARE_MAX * least, nearest - COSINE_MARGIN)


def _terms(db: Connection, keys: Sequence[int]) -> dict[int, frozenset[int]]:
    return {
        entry.memory: frozenset(np.frombuffer(entry.terms, U32).tolist())
        for entry in forward.entries(db, keys)
    }


def _holds_key(what: Probe, terms: Mapping[int, frozenset[int]], new: Sequence[int]) -> bool:
    keys = {number(KEY + key) for key in what.query.keys}
    return any(not keys.isdisjoint(terms[memory]) for memory in new)


def _weights(db: Connection, where: Sequence[int], what: Probe) -> list[float]:
    """Return for each word of the query how rare it is."""
    held = dict.fromkeys(what.plain, 0)
    total = 0
    for ns in where:
        total += segments.totals(db, ns).memories
        for term, count in segments.frequencies(db, ns, list(held)).items():
            held[term] += count
    return [log(1 + (max(total, held[t]) - held[t] + 0.5) / (held[t] + 0.5)) for t in what.plain]


def _said(held: frozenset[int], what: Probe, weights: Sequence[float]) -> float:
    """Return how much of the query a memory says, each word by its weight."""
    said = 0.0
    for term, parts, weight in zip(what.plain, what.parts, weights, strict=True):
        if term in held:
            said += weight
        elif not held.isdisjoint(parts):
            said += PART_WEIGHT * weight
    return said
