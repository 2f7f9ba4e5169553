"""Observing can be paused for a namespace: by a person, for as long as that person wants.

It is a row of the store, so that it holds for every process and every start. Whoever observes while
it is paused gets a plain answer instead of an error: an agent must not stop working for it.
"""

from collections.abc import Mapping

from tmws_mcp.learning import intake, sessions, wording
from tmws_mcp.learning.experts import EXPERTS, Expert
from tmws_mcp.learning.view import Shelf
from tmws_mcp.model import ObserveReply, ObserveRequest, Scope
from tmws_mcp.store import namespaces, pausing
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.pausing import Paused

REASON_CHARS_MAX = 200


def observe(
    db: Connection,
    request: ObserveRequest,
    scope: Scope,
    *,
    connection: str,
    now: float,
    shelf: Shelf | None = None,
    experts: Mapping[str, Expert] = EXPERTS,
) -> ObserveReply:
    """Observe, unless it is paused; then nothing is written, and the reply says why.

    Raises:
        InvalidInput: An interaction says nothing to learn from.
    """
    ns, found = pausing.standing(db, scope.namespace)
    if found is None:
        return sessions.observe(
            db, request, scope, ns=ns, connection=connection, now=now, shelf=shelf, experts=experts
        )
    return ObserveReply(
        observed=0,
        session_id=intake.session_name(request.session_id, connection=connection),
        paused=_in_words(found),
        scope=scope,
    )


def reason(db: Connection, ns: int) -> str | None:
    """Return why nothing is observed, None where it is."""
    found = pausing.paused(db, ns)
    return None if found is None else _in_words(found)


def _in_words(found: Paused) -> str:
    because = f" ({found.reason})" if found.reason else ""
    return f"observing was paused on {wording.day(found.at)}{because}"


def pause(db: Connection, scope: Scope, why: str, now: float) -> str:
    """Pause observing in the scope's namespace, made where it is new; return the reason."""
    ns = namespaces.ensure(db, scope.namespace, now)
    pausing.pause(db, ns, intake.masked(why, REASON_CHARS_MAX), now)
    said = reason(db, ns)
    assert said is not None
    return said


def resume(db: Connection, scope: Scope) -> bool:
    """Observe again; False where it was not paused."""
    ns = namespaces.find(db, scope.namespace)
    return ns is not None and pausing.resume(db, ns)
