"""Which tools were used in runs whose task, or newest message, had the same words.

Each word says how much likelier a tool is with it than without; rare words say more. A run counts
once for each of its tools, so that one which calls a tool forty times does not own its words.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import copysign, fsum, log

from tmws_mcp.learning.case import SILENT, Case, Forecast
from tmws_mcp.learning.view import View
from tmws_mcp.store.tasks import word_key

TASK, TURN = "task_word", "turn_word"
EVERY = ""
"""As a word: in every run; as a tool: the run itself, whatever it used."""
WORDS_MAX = 48
RUNS_MIN = 2
"""A word seen in one run says nothing yet."""
PRIOR = 3.0
VALUE_MAX = 3.0


def counted(case: Case, tool: str) -> Iterator[tuple[str, str, str]]:
    """Count the tool under the words of its task, once a run, and of its message, each time."""
    earlier = {step.tool for step in case.steps}
    new = [
        action for action, is_new in ((tool, tool not in earlier), (EVERY, not earlier)) if is_new
    ]
    for kind, words, actions in (
        (TASK, case.words, new),
        (TURN, case.turn_words, [tool, EVERY] if case.turn_words else []),
    ):
        for word in (EVERY, *list(words)[:WORDS_MAX]):
            for action in actions:
                yield kind, word_key(word), action


def foresee(view: View, case: Case) -> Forecast:
    """Expect the tools that the words make likelier, only to have them looked at."""
    return view.kept((TASK, "raised", *case.words), lambda: _raised(view, case))


def _raised(view: View, case: Case) -> Forecast:
    likelier = _likelier(view, TASK, case.words)
    raised = {tool: value for tool, value in likelier.items() if value > 0}
    total = fsum(raised.values())  # exact, so that the order of a set makes no difference
    return Forecast({tool: value / total for tool, value in raised.items()}) if total else SILENT


def judge(view: View, case: Case, tools: Sequence[str]) -> Mapping[str, Mapping[str, float]]:
    """Judge how much likelier the words make each tool."""
    by_task, by_turn = (
        {tool: likelier[tool] for tool in tools if tool in likelier}
        for likelier in (
            _likelier(view, TASK, case.words),
            _likelier(view, TURN, case.turn_words),
        )
    )
    return {
        "task_words": by_task,
        "task_words_unused": case.unused(by_task),
        "turn_words": by_turn,
    }


def _likelier(view: View, kind: str, words: Mapping[str, int]) -> Mapping[str, float]:
    """Return how much likelier the words make each tool that was ever used."""
    if not words:
        return {}
    return view.kept((kind, "likelier", *words), lambda: _compared(view, kind, words))


def _compared(view: View, kind: str, words: Mapping[str, int]) -> dict[str, float]:
    every, found = _known(view, kind, words)
    all_runs = every.get(EVERY, 0)
    if not all_runs:  # never counted, or pruned: then nothing is usual
        return {}
    usual = {tool: PRIOR * n / all_runs for tool, n in every.items() if tool}
    sums = dict.fromkeys(usual, 0.0)
    nothing, weight = 0.0, 1.0
    for runs, followers in found:
        rarity = log(1 + all_runs / runs)
        weight += rarity
        nothing += rarity * log(PRIOR / (runs + PRIOR))
        for tool, n in followers.items():
            if tool in sums:
                sums[tool] += rarity * log(1 + n / usual[tool])
    values = {tool: 2 * (total + nothing) / weight for tool, total in sums.items()}
    return {
        tool: value if -VALUE_MAX < value < VALUE_MAX else copysign(VALUE_MAX, value)
        for tool, value in values.items()
    }


def _known(
    view: View, kind: str, words: Mapping[str, int]
) -> tuple[Mapping[str, int], list[tuple[int, Mapping[str, int]]]]:
    """Return the tools of all runs, and for each known word its runs and their tools."""
    known = (word_key(word) for word in list(words)[:WORDS_MAX])
    every, *each = view.followers(kind, (EVERY, *known))
    return every, [(tools[EVERY], tools) for tools in each if tools.get(EVERY, 0) >= RUNS_MIN]
