"""What a person wants to see of a shared namespace."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tmws_mcp.federation.bindings import Figures
from tmws_mcp.federation.hub import START, Digests, Opened
from tmws_mcp.federation.slots import FORGETTING
from tmws_mcp.federation.wire import Keyring, Refused, opened
from tmws_mcp.model.federation import Mark, NamespaceFederation, PeerLine
from tmws_mcp.store import actor as identities
from tmws_mcp.store import shared
from tmws_mcp.store import slots as table
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.slots import Peer

PEERS_SHOWN_MAX = 100


class Recent(NamedTuple):
    """The hub's log behind the place that was read up to, by the hub's own clock in seconds."""

    now: float
    entries: Sequence[tuple[float, bytes, bytes]]
    """(when it was appended, raw, mac)"""


class Asked(NamedTuple):
    """What the hub and the others say."""

    hub: Opened
    told: Mapping[str, Digests]
    recent: Recent


def lags(
    behind: Mapping[str, int], recent: Recent, cursor: str, keyring: Keyring
) -> dict[str, float]:
    """Return for how many seconds each of these actors (name -> known up to) has been ahead.

    What the log no longer holds is older than the place that was read up to.
    """
    since: dict[str, float] = {}
    for at, raw, mac in recent.entries:
        try:
            entry = opened(raw, mac, keyring)
        except Refused:
            continue
        if entry.end > behind.get(entry.actor, entry.end):
            since.setdefault(entry.actor, at)
    read = recent.now if cursor == START else int(cursor.partition("-")[0]) / 1_000
    return {name: max(0.0, recent.now - since.get(name, read)) for name in behind}


def seen(
    db: Connection, ns: int, keyring: Keyring, asked: Asked | None, figures: Figures
) -> NamespaceFederation:
    """Return what is here of each instance, and what the hub and the others say of it."""
    me, link = identities.identity(db), table.link(db, ns)
    peers = table.peers(db, ns)
    own, foreign = shared.evidence_rows(db, ns, me)
    hub, told = (asked.hub, asked.told) if asked else (None, {})
    for name in hub.marks if hub else ():
        peers.setdefault(name, Peer())  # heard of, and nothing of it taken in yet
    late = _behind(peers, asked.hub, me) if asked else {}
    lag = lags(late, asked.recent, link.cursor, keyring) if asked else {}
    names = sorted(peers, key=lambda name: (name != me, name))[:PEERS_SHOWN_MAX]
    sums = table.sums(db, ns)
    return NamespaceFederation(
        namespace=keyring.namespace.partition("/")[0],
        shared=True,
        epoch=link.epoch,
        waiting=table.waiting(db, ns, me, link.acknowledged),
        forgotten=table.count_of_kinds(db, ns, FORGETTING),
        peers=tuple(
            _line(name, peers[name], sums.get(name, (0, 0, 0)), me, hub, told).model_copy(
                update={"lag_seconds": lag.get(name, 0.0) if asked else None}
            )
            for name in names
        ),
        own_evidence=own,
        foreign_evidence=foreign,
        sent=figures.pushed,
        taken=figures.received,
        refused=figures.refused,
        forks=figures.forks,
    )


def _behind(peers: Mapping[str, Peer], hub: Opened, me: str) -> dict[str, int]:
    """Return up to where those others are known here that the hub has more of."""
    known = {name: peers.get(name, Peer()).vv for name in hub.marks if name != me}
    return {name: vv for name, vv in known.items() if hub.marks[name].seq > vv}


def _line(
    name: str,
    peer: Peer,
    sums: tuple[int, int, int],
    me: str,
    hub: Opened | None,
    told: Mapping[str, Digests],
) -> PeerLine:
    slots, redacted, size = sums
    others = [said[name] for who, said in told.items() if who != me and name in said]
    return PeerLine(
        actor=name,
        own=name == me,
        slots=slots,
        redacted=redacted,
        vv=peer.vv,
        hub_vv=hub.marks.get(name, Mark(0)).seq if hub else None,
        digest=f"{peer.digest:014x}",
        same=all(there == (peer.vv, peer.digest) for there in others) if others else None,
        bytes=size,
    )
