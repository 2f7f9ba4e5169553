"""The product's learning in this process, on a store of its own."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks.learning.calls import Arguments
from benchmarks.learning.recommenders import Answers
from tmws_mcp.learning import asking, sessions
from tmws_mcp.learning import recommend as advice
from tmws_mcp.learning.blend import Board, board
from tmws_mcp.learning.experts import EXPERTS, Expert
from tmws_mcp.learning.view import Shelf, View
from tmws_mcp.model import ObserveRequest, RecommendRequest, Scope
from tmws_mcp.store import driver, migrations, namespaces, weights

SCOPE = Scope(namespace="traces", source="argument")
CONNECTION = "benchmark"
BEGIN = 1_790_000_000.0


class Product:
    """Observes and recommends; a second passes with each observation."""

    def __init__(
        self,
        experts: Mapping[str, Expert] = EXPERTS,
        *,
        first: Mapping[str, Mapping[str, float]] | None = None,
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="tmws-learning-")
        path = Path(self._folder.name) / "tmws.db"
        path.touch()
        self.db = driver.connect(path)
        driver.for_writing(self.db, "normal")
        migrations.migrate(self.db, path)
        self._experts = experts
        self._first = first
        self._shelf = Shelf()
        self._now = BEGIN

    def close(self) -> None:
        """Remove the store."""
        self.db.close()
        self._folder.cleanup()

    def observe(self, arguments: Arguments) -> None:
        """Observe a step, or how a session ended."""
        self._begin_with_first()
        self._now += 1
        request = ObserveRequest.model_validate(arguments)
        self.db.rows("BEGIN IMMEDIATE")
        sessions.observe(
            self.db,
            request,
            SCOPE,
            connection=CONNECTION,
            now=self._now,
            shelf=self._shelf,
            experts=self._experts,
        )
        self.db.rows("COMMIT")
        self._shelf.confirm()

    def _begin_with_first(self) -> None:
        """Put other first weights in the place of those that ship, once there is a namespace."""
        if self._first is not None:
            ns = namespaces.ensure(self.db, SCOPE.namespace, self._now)
            weights.save(self.db, ns, [(name, row, {}) for name, row in self._first.items()])
            self._first = None

    def recommend(self, arguments: Arguments) -> Answers:
        """Return what is recommended, the best first."""
        reply = advice.recommend(
            self.db,
            RecommendRequest.model_validate(arguments),
            SCOPE,
            connection=CONNECTION,
            now=self._now,
            shelf=self._shelf,
            experts=self._experts,
        )
        return [(one.action, one.confidence) for one in reply.recommendations]

    def board(self, arguments: Arguments) -> Board | None:
        """Return what the experts say to a question, None before anything was observed."""
        ns = namespaces.find(self.db, SCOPE.namespace)
        if ns is None:
            return None
        view = View(self.db, ns, self._shelf)
        request = RecommendRequest.model_validate(arguments)
        asked = asking.asked(view, request, connection=CONNECTION, now=self._now)
        return board(view, asked.case, self._experts)
