"""What is lost when several instances learn what one could: `python -m benchmarks.learning.split`.

The sessions of each file of traces are dealt out among instances, each with a store of its own.
After so many sessions they meet: over a hub, by the protocol, as they would over Redis. Every step
is asked about before it is observed, as in the online mode of
`python -m benchmarks.learning`. Beside it: one instance that has all sessions, and instances that
never meet.

--limit N      the first N sessions of each file
--instances N  among how many they are dealt out
--every N      after how many sessions they meet: of all together, and in the next column of each
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import anyio

from benchmarks.learning.modes import Scores, learn_session
from benchmarks.learning.product import BEGIN, SCOPE, Product
from benchmarks.learning.recommenders import ProductRecommender
from benchmarks.learning.traces import Session, read
from tmws_mcp.federation import bodies, replica
from tmws_mcp.federation.bindings import Bindings
from tmws_mcp.federation.evidence import Evidence, Meaning, Shared
from tmws_mcp.federation.memory_hub import MemoryHub
from tmws_mcp.federation.privacy import Seal
from tmws_mcp.federation.replicator import Replicator
from tmws_mcp.federation.wire import Keyring
from tmws_mcp.learning import sharing
from tmws_mcp.store import namespaces
from tmws_mcp.store.driver import Connection

SECRET = b"s" * 32
MEETING_TICKS = 2
"""What comes to the hub in the first is taken by all in the second."""
LOSS_MAX = 0.03


class LocalStore:
    """The product's store as a replicator asks for it."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    async def read(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Run the function on the store."""
        return work(self._db, *args, **kwargs)

    async def write(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Run the function in a transaction."""
        self._db.rows("BEGIN IMMEDIATE")
        try:
            result = work(self._db, *args, **kwargs)
        except BaseException:
            self._db.rows("ROLLBACK")
            raise
        self._db.rows("COMMIT")
        return result


class Team:
    """Instances that learn a share of the sessions each."""

    def __init__(self, instances: int) -> None:
        self.hub = MemoryHub()
        products = [Product() for _ in range(instances)]
        self.members = [ProductRecommender(product) for product in products]
        self._replicators = [_replicator(product, self.hub) for product in products]

    def meet(self) -> None:
        """Let all know what each has learned."""
        for _ in range(MEETING_TICKS):
            for one in self._replicators:
                anyio.run(one.tick)

    def close(self) -> None:
        """Remove the stores."""
        for one in self.members:
            one.close()


def _replicator(product: Product, hub: MemoryHub) -> Replicator:
    ns = namespaces.ensure(product.db, SCOPE.namespace, BEGIN)
    replica.settle(product.db, ns)
    shared = Shared()
    meaning = Meaning(
        sharing.about, sharing.learn, sharing.unlearn, sharing.related, sharing.shown_by,
        sharing.unlearn_whole,
    )  # fmt: skip
    shared.add(ns, Evidence(Seal(SECRET, SCOPE.namespace), "team", meaning))
    bindings = Bindings(shared.collect, shared.adopt, bodies.left, bodies.is_sound)
    keyring = Keyring(SCOPE.namespace, (SECRET,))
    return Replicator(LocalStore(product.db), ns, hub, keyring, bindings)


def scored(sessions: Sequence[Session], instances: int, every: int | None) -> Scores:
    """Return what the instances reach on the sessions together; `every` None: they never meet."""
    team, scores = Team(instances), Scores()
    try:
        for number, session in enumerate(sessions, start=1):
            learn_session(team.members[number % instances], session, scores)
            if every and number % every == 0:
                team.meet()
    finally:
        team.close()
    return scores


def main() -> int:
    """Print the figures; 1 if more is lost than may be."""
    asked = _arguments()
    losses = []
    heads = ("one", "split", "loss", "seldom", "never")
    print(f"{'next acc@1':20s}" + "".join(f"{head:>9s}" for head in heads))
    for path in asked.traces:
        sessions = read(path, limit=asked.limit)
        n, every = asked.instances, asked.every
        one, split, seldom, never = (
            scored(sessions, *way).figures()["acc@1"]
            for way in ((1, None), (n, every), (n, n * every), (n, None))
        )
        losses.append(one - split)
        figures = (one, split, one - split, seldom, never)
        name = path.name.removesuffix(".jsonl.gz")
        print(f"{name:20s}" + "".join(f"{figure:9.3f}" for figure in figures), flush=True)
    print(f"{'mean loss':20s}{fmean(losses):27.3f}")
    return int(fmean(losses) > LOSS_MAX)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("traces", nargs="+", type=Path)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--instances", type=int, default=4)
    parser.add_argument("--every", type=int, default=10)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
