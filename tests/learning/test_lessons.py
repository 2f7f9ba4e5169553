"""When the experts are compared with what happened."""

from tmws_mcp.learning.counting import Changes
from tmws_mcp.learning.lessons import EACH, EACH_STEP_UNTIL, is_due


def test_the_first_steps_are_all_looked_at_and_then_each_eighth() -> None:
    around = range(EACH_STEP_UNTIL - EACH + 1, EACH_STEP_UNTIL + 2 * EACH + 1)

    looked_at = [ordinal for ordinal in around if is_due(ordinal, Changes())]

    assert looked_at[:EACH] == list(around)[:EACH]
    assert [ordinal - EACH_STEP_UNTIL for ordinal in looked_at[EACH:]] == [EACH, 2 * EACH]
