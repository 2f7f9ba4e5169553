"""kill -9 between acknowledged observations: what was counted equals a recount of the log."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.process import ServerProcess
from tmws_mcp.learning.words import fingerprint
from tmws_mcp.store import driver
from tmws_mcp.store.driver import Connection

ROUNDS = 3
TOOLS = ("read", "edit", "test", "edit")


@contextmanager
def opened(home: Path) -> Iterator[Connection]:
    db = driver.connect(home / "tmws.db")
    try:
        yield db
    finally:
        db.close()


def killed_while_observing(environment: dict[str, str], number: int) -> int:
    """Observe some steps, and kill the process with another under way; return how many."""
    with ServerProcess(environment=environment) as server:
        server.initialize()
        for step in range(number + 3):
            server.call(
                "observe_interaction", session_id=f"s{number}", step=step, task="fix it",
                tool_used=TOOLS[step % len(TOOLS)], success=step % 3 > 0,
            )  # fmt: skip
        cut_off = {"session_id": f"s{number}", "step": 99, "task": "fix it", "tool_used": "read"}
        server.post("tools/call", {"name": "observe_interaction", "arguments": cut_off})
        server.kill()
    return number + 3


def test_counts_equal_a_recount_of_the_log_after_a_process_was_killed(tmp_path: Path) -> None:
    home = {"TMWS_HOME": str(tmp_path)}
    acknowledged = sum(killed_while_observing(home, number) for number in range(ROUNDS))
    with ServerProcess(environment=home) as server:
        server.initialize()
        for number in range(ROUNDS):
            server.call("observe_interaction", session_id=f"s{number}", outcome="success")

    with opened(tmp_path) as db:
        log = db.rows("SELECT tool, ok FROM step")
        tools = db.rows("SELECT action, n, ok FROM outcome WHERE kind = 'tool'")
        contexts = dict(
            db.rows("SELECT action, n FROM context WHERE kind = 'ngram' AND key = ?",
                    (fingerprint(),))
        )  # fmt: skip
        runs = db.rows("SELECT steps FROM run")
        integrity = db.rows("PRAGMA integrity_check")

    used = Counter(tool for tool, _ in log)
    worked = Counter(tool for tool, ok in log if ok)
    assert acknowledged <= len(log) <= acknowledged + ROUNDS  # the step under way may be in it
    assert {tool: (n, ok) for tool, n, ok in tools} == {
        tool: (used[tool], worked[tool]) for tool in used
    }
    assert contexts == used
    assert len(runs) == ROUNDS
    assert integrity == [("ok",)]
