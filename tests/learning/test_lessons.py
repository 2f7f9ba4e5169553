"""When the experts are compared with what happened."""

from dataclasses import replace

from tests.learning.desk import observed
from tmws_mcp.learning.blend import blend
from tmws_mcp.learning.calibration import counted
from tmws_mcp.learning.case import Case
from tmws_mcp.learning.counting import Changes
from tmws_mcp.learning.experts import EXPERTS
from tmws_mcp.learning.intake import failed_step
from tmws_mcp.learning.lessons import EACH, EACH_STEP_UNTIL, is_due, learn
from tmws_mcp.learning.view import View
from tmws_mcp.learning.weights import Weights
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.observations import Step


def test_the_first_steps_are_all_looked_at_and_then_each_eighth() -> None:
    around = range(EACH_STEP_UNTIL - EACH + 1, EACH_STEP_UNTIL + 2 * EACH + 1)

    looked_at = [ordinal for ordinal in around if is_due(ordinal, Changes())]

    assert looked_at[:EACH] == list(around)[:EACH]
    assert [ordinal - EACH_STEP_UNTIL for ordinal in looked_at[EACH:]] == [EACH, 2 * EACH]


def test_a_repair_is_expected_before_the_step_that_it_was_teaches_anything(db: Connection) -> None:
    for number in range(4):
        for tool in ("run", "fix", "run", "list"):
            observed(db, session_id=f"s{number}", tool_used=tool)
        observed(db, session_id=f"s{number}", outcome="success")
    before = Case(1, "next", (failed_step("run", "no such file: '/x'"),))
    repair = replace(before, want="recover")
    asked = blend(View(db, 1), repair, Weights(db, 1))

    changes, view = Changes(), View(db, 1)
    learn(view, Weights(db, 1), before, Step("fix", ok=True), changes, EXPERTS)

    assert counted(repair, asked.shares, "fix").items() <= changes.contexts.items()
