"""What a person wants to see of a shared namespace."""

from collections.abc import Mapping

from tmws_mcp.federation.hub import Digests, Opened
from tmws_mcp.federation.slots import FORGETTING
from tmws_mcp.model.federation import Mark, NamespaceFederation, PeerLine
from tmws_mcp.store import actor as identities
from tmws_mcp.store import shared
from tmws_mcp.store import slots as table
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.slots import Peer

PEERS_SHOWN_MAX = 100


def seen(
    db: Connection, ns: int, namespace: str, hub: Opened | None, told: Mapping[str, Digests]
) -> NamespaceFederation:
    """Return what is here of each instance, and what the hub and the others say of it."""
    me, link = identities.identity(db), table.link(db, ns)
    peers = table.peers(db, ns)
    own, foreign = shared.evidence_rows(db, ns, me)
    names = sorted(peers, key=lambda name: (name != me, name))[:PEERS_SHOWN_MAX]
    sums = table.sums(db, ns)
    return NamespaceFederation(
        namespace=namespace,
        shared=True,
        epoch=link.epoch,
        waiting=table.waiting(db, ns, me, link.acknowledged),
        forgotten=table.count_of_kinds(db, ns, FORGETTING),
        peers=tuple(
            _line(name, peers[name], sums.get(name, (0, 0, 0)), me, hub, told) for name in names
        ),
        own_evidence=own,
        foreign_evidence=foreign,
    )


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
