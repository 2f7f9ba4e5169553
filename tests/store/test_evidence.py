"""Slots of counts: absolute totals, a sequence number for each change, bounds."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tmws_mcp.learning import learned, recommend, sessions
from tmws_mcp.model import LearnedFilter, ObserveRequest, RecommendRequest, Scope
from tmws_mcp.store import driver, evidence, migrations, namespaces, observations, tasks
from tmws_mcp.store.driver import Connection, Params, Row
from tmws_mcp.store.evidence import Tally

NOW = 1_790_000_000.0
SCOPE = Scope(namespace="team", source="argument")


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    path = tmp_path / "tmws.db"
    path.touch()
    connection = driver.connect(path)
    driver.for_writing(connection, "normal")
    migrations.migrate(connection, path)
    namespaces.ensure(connection, "team", NOW)
    yield connection
    connection.close()


def one(*, ok: bool = True, durations: dict[int, int] | None = None) -> Tally:
    return Tally(n=1, ok=int(ok), durations=durations or {})


def test_totals_are_absolute_and_add_up(db: Connection) -> None:
    slot = ("tool", "", "read")
    evidence.add_outcomes(db, 1, {slot: one(durations={3: 1})}, NOW)
    evidence.add_outcomes(db, 1, {slot: one(ok=False)}, NOW + 5)
    evidence.add_outcomes(db, 1, {slot: one(durations={3: 1, 4: 2})}, NOW + 1)

    found = evidence.tally(db, 1, *slot)

    assert (found.n, found.ok, found.durations) == (3, 2, {3: 2, 4: 2})
    assert found.last_at == NOW + 5
    assert len(found.actors) == 1


def test_slots_of_several_actors_are_added_on_reading(db: Connection) -> None:
    evidence.add_outcomes(db, 1, {("tool", "", "read"): one()}, NOW)
    db.run("UPDATE meta SET value = 'feed' WHERE key = 'actor'")
    evidence.add_outcomes(db, 1, {("tool", "", "read"): one(ok=False)}, NOW)
    evidence.add_contexts(db, 1, {("ngram", "k", "read"): 2})

    found = evidence.tally(db, 1, "tool", "", "read")

    assert (found.n, found.ok, len(found.actors)) == (2, 1, 2)
    assert db.rows("SELECT count(*) FROM outcome") == [(2,)]


def test_tokens_reported_without_measure_do_not_close_a_slot(db: Connection) -> None:
    for _ in range(3):
        evidence.add_outcomes(db, 1, {("tool", "", "read"): Tally(n=1, tokens=2**62)}, NOW)

    found = evidence.tally(db, 1, "tool", "", "read")
    assert (found.n, found.tokens) == (3, evidence.TOKENS_MAX)


def test_every_change_of_a_slot_raises_its_sequence_number(db: Connection) -> None:
    slots = {("ngram", "k", "read"): 1, ("ngram", "k", "edit"): 1}
    evidence.add_contexts(db, 1, slots)
    first = {seq for (seq,) in db.rows("SELECT seq FROM context")}
    evidence.add_contexts(db, 1, slots)
    second = {seq for (seq,) in db.rows("SELECT seq FROM context")}

    assert len(first) == len(second) == 2
    assert max(first) < min(second)


def test_the_rarest_contexts_and_the_oldest_outcomes_are_dropped(db: Connection) -> None:
    for number in range(20):
        evidence.add_contexts(db, 1, {("ngram", f"k{number}", "a"): number + 1})
        evidence.add_outcomes(db, 1, {("tool", "", f"t{number}"): one()}, NOW + number)

    evidence.prune(db, 1, contexts_max=10, outcomes_max=10)

    assert db.rows("SELECT min(n), count(*) FROM context") == [(13, 8)]
    assert db.rows("SELECT min(last_at), count(*) FROM outcome") == [(NOW + 12, 8)]


def test_the_quietest_sessions_are_dropped_with_their_steps(db: Connection) -> None:
    for number in range(4):
        session = observations.open_session(db, 1, f"s{number}", connection=None, now=NOW + number)
        step = observations.Step("read", ok=True)
        observations.add_step(db, session, step, run=0, position=0, now=NOW)

    assert observations.prune_sessions(db, 1, 1) == 3
    assert db.rows("SELECT name FROM session") == [("s3",)]
    assert db.rows("SELECT count(*) FROM step") == [(1,)]


def test_the_oldest_tasks_are_dropped_with_words_and_runs(db: Connection) -> None:
    for number in range(4):
        words = {"common": 1, f"word{number}": 2}
        task = tasks.ensure(db, 1, f"h{number}", "text", words, NOW + number)
        run = tasks.Run((("read", True),), "success", NOW)
        tasks.keep_run(db, number, 0, task=task, run=run)

    assert tasks.prune(db, 1, 1) == 3
    assert tasks.count(db, 1) == 1
    kept = {tasks.word_key(word): 1 for word in ("", "common", "word3")}
    assert dict(db.rows("SELECT word, tasks FROM word")) == kept
    assert db.rows("SELECT count(*) FROM run") == [(1,)]


def test_a_task_keeps_its_newest_runs(db: Connection) -> None:
    task = tasks.ensure(db, 1, "h", "text", {"word": 1}, NOW)
    for number in range(tasks.RUNS_MAX + 5):
        run = tasks.Run(((f"tool{number}", True),), "success", NOW + number)
        tasks.keep_run(db, number, 0, task=task, run=run)

    kept = tasks.runs(db, task, 50)

    assert len(kept) == tasks.RUNS_MAX
    assert kept[0].steps == ((f"tool{tasks.RUNS_MAX + 4}", True),)


def test_nearest_tasks_share_rare_words(db: Connection) -> None:
    texts = ["parse the report", "parse the mail", "paint the fence", "parse the parser report"]
    for number, text in enumerate(texts):
        words = dict.fromkeys(text.split(), 1)
        tasks.ensure(db, 1, f"h{number}", text, words, NOW)

    found = tasks.nearest(db, 1, {"report": 1, "parse": 1, "the": 1}, 3)

    assert [near.task for near in found] == [1, 4, 2]
    assert found[0].similarity == pytest.approx(1.0)
    assert tasks.nearest(db, 1, {"unheard": 1}, 3) == ()
    assert tasks.nearest(db, 1, {}, 3) == ()


class Recording:
    """A connection that also notes how each of its statements would be carried out."""

    def __init__(self, db: Connection) -> None:
        self.db = db
        self.plans: dict[str, list[str]] = {}

    def rows(self, sql: str, params: Params = ()) -> list[Row]:
        if sql not in self.plans and sql.startswith(("SELECT", "UPDATE", "DELETE", "INSERT")):
            plan = self.db.rows(f"EXPLAIN QUERY PLAN {sql}", params)
            self.plans[sql] = [str(row[3]) for row in plan]
        return self.db.rows(sql, params)

    def row(self, sql: str, params: Params = ()) -> Row | None:
        found = self.rows(sql, params)
        return found[0] if found else None

    def run(self, sql: str, params: Params = ()) -> int:
        self.rows(sql, params)
        row = self.db.row("SELECT changes()")
        return int(row[0]) if row else 0

    def run_many(self, sql: str, rows: Iterable[Params]) -> None:
        for params in rows:
            self.rows(sql, params)

    def __getattr__(self, name: str) -> object:
        return getattr(self.db, name)


class Counting:
    """A connection that counts its statements."""

    def __init__(self, db: Connection) -> None:
        self.db = db
        self.statements = 0

    def rows(self, sql: str, params: Params = ()) -> list[Row]:
        self.statements += 1
        return self.db.rows(sql, params)

    def row(self, sql: str, params: Params = ()) -> Row | None:
        self.statements += 1
        return self.db.row(sql, params)


def test_a_longer_answer_takes_no_more_statements(db: Connection) -> None:
    tools = [{"tool_used": f"tool{number}", "task": "fix it"} for number in range(40)]
    request = ObserveRequest.model_validate({"interactions": tools, "session_id": "s"})
    sessions.observe(db, request, SCOPE, connection="c", now=NOW)
    taken = []
    for limit in (3, 20):
        seen: Connection = Counting(db)  # type: ignore[assignment]
        asked = RecommendRequest(task="fix it", want="next", limit=limit)
        reply = recommend.recommend(seen, asked, SCOPE, connection="c", now=NOW)
        assert len(reply.recommendations) >= min(limit, 8)
        taken.append(seen.statements)  # type: ignore[attr-defined]

    assert taken[0] == taken[1] < 30


def test_no_statement_scans_a_table(db: Connection) -> None:
    seen: Connection = Recording(db)  # type: ignore[assignment]

    def observe(**told: object) -> None:
        request = ObserveRequest.model_validate(told)
        sessions.observe(seen, request, SCOPE, connection="c", now=NOW)

    for number in range(3):
        session = f"s{number}"
        observe(session_id=session, step=0, task="fix the parser", tool_used="run", success=False,
                error="no such file", execution_time=1, method="m")  # fmt: skip
        observe(session_id=session, step=1, task="fix the parser", tool_used="edit")
        observe(session_id=session, outcome="success")
    for want in ("auto", "next", "workflow", "variant", "recover"):
        request = RecommendRequest.model_validate(
            {"want": want, "task": "fix the parser", "error": "no such file"}
        )
        recommend.recommend(seen, request, SCOPE, connection="c", now=NOW)
    learned.learned_patterns(seen, SCOPE, LearnedFilter(limit=5))
    sessions.close_idle(seen, NOW)
    sessions.end_connection(seen, "c", NOW)

    scans = {
        sql: step
        for sql, plan in seen.plans.items()  # type: ignore[attr-defined]
        for step in plan
        if step.startswith("SCAN")
        and not step.startswith(("SCAN CONSTANT", "SCAN (subquery", "SCAN json_each"))
        and not step.endswith("VALUES CLAUSE")  # the parameters of the statement itself
        and not step.endswith("INDEX session_open")  # as many rows as sessions are open
    }
    assert scans == {}
    assert len(seen.plans) > 30  # type: ignore[attr-defined]
