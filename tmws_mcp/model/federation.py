"""What travels between instances, and what is told of it."""

from typing import NamedTuple

from tmws_mcp.model.base import Value


class Slot(NamedTuple):
    """The newest known state of one thing that one actor counts."""

    key: bytes
    """What is counted; its first byte says of what kind (federation/slots.py)."""
    gen: int
    """How often the thing had been forgotten when this was counted."""
    seq: int
    """Number of the change, rising within an actor."""
    body: bytes
    """Absolute totals; empty: redacted."""


class Mark(NamedTuple):
    """Up to which number an actor's slots are known, and the tag that its last push left."""

    seq: int
    tag: bytes = b""


class PeerLine(Value):
    """What one instance has shared, as it is known here."""

    actor: str
    own: bool
    slots: int
    redacted: int
    vv: int
    hub_vv: int | None = None
    """What the hub has; None where it could not be asked."""
    digest: str
    same: bool | None = None
    """Whether the instance itself, or the hub's other members, tell the same digests."""
    bytes: int
    lag_seconds: float | None = None
    """How long ago the oldest change was shared that is lacking here, at least; 0.0: none is.

    None where the hub could not be asked.
    """


class NamespaceFederation(Value):
    """How one namespace is shared."""

    namespace: str
    shared: bool
    epoch: str = ""
    waiting: int = 0
    """Own slots that the hub has not acknowledged."""
    forgotten: int = 0
    """Tombstones."""
    peers: tuple[PeerLine, ...] = ()
    own_evidence: int = 0
    foreign_evidence: int = 0
    """Rows of evidence that learning reads, own and of others."""
    sent: int = 0
    """Slots given to the hub by this process since it began."""
    taken: int = 0
    """Slots of others taken in."""
    refused: int = 0
    """Messages that were not believed: too large, not signed, not sound."""
    forks: int = 0
    """How often a twin of this store was found, and another id taken."""


class FederationReport(Value):
    """How this store shares what it learned."""

    state: str
    """off, connected or away, in one line with the reason."""
    hub: str = ""
    actor: str
    namespaces: tuple[NamespaceFederation, ...] = ()


class ForgottenEverywhere(Value):
    """What was forgotten on all instances, and how many have done so."""

    subject: str
    slots: int
    done: int
    """Instances that tell the same digests as this one."""
    of: int
    """Instances that are known."""
    note: str = ""
