"""The product's learning in this process, on a store of its own."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.learning.traces import Session, Step
from tmws_mcp.learning import asking, sessions
from tmws_mcp.learning import recommend as advice
from tmws_mcp.learning.blend import Board, board
from tmws_mcp.learning.experts import EXPERTS, Expert
from tmws_mcp.learning.view import Shelf, View
from tmws_mcp.model import ObserveRequest, RecommendReply, RecommendRequest, Scope
from tmws_mcp.store import driver, migrations, namespaces, weights

SCOPE = Scope(namespace="traces", source="argument")
CONNECTION = "benchmark"
HISTORY = 24
BEGIN = 1_790_000_000.0
OUTCOMES = {True: "success", False: "failure", None: "unknown"}


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

    def observe(self, session: Session, step: Step, turn: str) -> None:
        """Observe a step."""
        self._observe(
            session_id=session.name,
            task=session.task,
            tool_used=step["tool"],
            success=step["ok"],
            error=step.get("err") or "",
            arguments=step.get("args") or "",
            turn=turn,
            available_tools=session.tools,
        )

    def end(self, session: Session) -> None:
        """End a session with its outcome."""
        self._observe(session_id=session.name, outcome=OUTCOMES[session.success])

    def _observe(self, **arguments: Any) -> None:
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

    def recommend(
        self, session: Session, before: list[Step], turn: str, want: str
    ) -> RecommendReply:
        """Ask what to do after these steps."""
        return advice.recommend(
            self.db,
            _request(session, before, turn, want),
            SCOPE,
            connection=CONNECTION,
            now=self._now,
            shelf=self._shelf,
            experts=self._experts,
        )

    def board(self, session: Session, before: list[Step], turn: str, want: str) -> Board | None:
        """Return what the experts say after these steps, None before anything was observed."""
        ns = namespaces.find(self.db, SCOPE.namespace)
        if ns is None:
            return None
        view = View(self.db, ns, self._shelf)
        asked = asking.asked(
            view, _request(session, before, turn, want), connection=CONNECTION, now=self._now
        )
        return board(view, asked.case, self._experts)


def _request(session: Session, before: list[Step], turn: str, want: str) -> RecommendRequest:
    return RecommendRequest.model_validate(
        {
            "task": session.task,
            "session_id": session.name,
            "recent_steps": [
                {"tool": step["tool"], "ok": step["ok"], "error": step.get("err") or ""}
                for step in before[-HISTORY:]
            ],
            "available_tools": session.tools,
            "turn": turn,
            "want": want,
            "limit": 10,
        }
    )
