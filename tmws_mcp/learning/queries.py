"""Which queries lead to a promoted pattern: the texts of its tasks, or the text of its error."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from tmws_mcp.learning.parameters import Compared
from tmws_mcp.learning.wording import cut
from tmws_mcp.masking import MASK
from tmws_mcp.model import JsonObject

EXACT_CHARS_MAX = 200
EXAMPLES_MAX = 12
REGEX_CHARS_MAX = 900
VALUE_CHARS_MIN = 2
"""A shorter value stands in a text by chance."""
_MASKED = re.compile(r"<(?:q|path|n|id|url|address|time)>")
SAMPLES = {"<n>": "7", "<path>": "/tmp/x", "<url>": "http://x/y"}  # noqa: S108 - an example's text


@dataclass(slots=True)
class Queries:
    """What leads to a pattern."""

    name: str
    """What its id is made of."""
    task: str
    triggers: JsonObject = field(default_factory=dict)
    examples: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)


def for_tasks(texts: Sequence[str], of_runs: Sequence[str], compared: Compared) -> Queries:
    """Return the queries of a task: `texts` each once, `of_runs` that of each compared run."""
    usable = [text for text in texts if MASK not in text and len(text) <= EXACT_CHARS_MAX]
    usable = [text for text in usable if re.search(r"\w", text)][:EXAMPLES_MAX]
    made = Queries(name=cut(texts[0], EXACT_CHARS_MAX), task=texts[0])
    if not usable:
        # Too long to be typed again, or with a secret in it: its first words will have to do.
        usable = [" ".join(re.findall(r"[^\W_]+", texts[0].replace(MASK, ""))[:8]) or "run it"]
        made.notes.append("the task's text is no query: choose triggers and examples yourself")
    made.examples = tuple(usable)
    expression = _expression(usable, of_runs, compared)
    made.triggers = {"regex": [expression]} if expression else {"exact": list(usable)}
    return made


def _expression(texts: Sequence[str], of_runs: Sequence[str], compared: Compared) -> str | None:
    """Return the expression that all texts have in common but for values of parameters."""
    if len(texts) < 2 or not set(texts) <= set(of_runs):  # noqa: PLR2004 - one text has no variety
        return None
    made = {_with_groups(of_runs[run], run, compared) for run in range(len(of_runs))}
    [expression] = made if len(made) == 1 else [None]
    if expression is None or "(?P<" not in expression or len(expression) > REGEX_CHARS_MAX:
        return None
    return rf"(?i)^\W*{expression}\W*$"


def _with_groups(text: str, run: int, compared: Compared) -> str:
    """Return the text as an expression in which the values of the run's parameters are groups."""
    places: list[tuple[int, int, str]] = []
    for name, parameter in compared.parameters.items():
        value = parameter.values[run]
        if isinstance(value, bool) or not isinstance(value, str | int):
            continue
        at = text.find(str(value)) if len(str(value)) >= VALUE_CHARS_MIN else -1
        if at >= 0 and all(at >= end or at + len(str(value)) <= start for start, end, _ in places):
            places.append((at, at + len(str(value)), name))
    parts, last = [], 0
    for start, end, name in sorted(places):
        parts += [re.escape(text[last:start].lower()), f"(?P<{name}>.+?)"]
        last = end
    return "".join([*parts, re.escape(text[last:].lower())])


def for_error(made: JsonObject) -> Queries:
    """Return the queries of an error: its text, with anything where its template is masked."""
    template, tool = str(made["template"] or made["class"] or ""), str(made["tool"])
    shown = _MASKED.sub(lambda mask: SAMPLES.get(mask[0], "x"), template)
    pieces = [re.escape(piece) for piece in _MASKED.split(template)]
    expression = r".{0,200}?".join(pieces)
    repaired = f"repair {tool}: {shown}" if tool else f"repair: {shown}"
    queries = Queries(
        name=f"after {tool} {cut(shown, 40)}" if tool else f"after {cut(shown, 40)}",
        task=f"repair {tool}: {template}" if tool else f"repair: {template}",
        triggers={"exact": [repaired[:EXACT_CHARS_MAX]]},
        examples=(repaired[:EXACT_CHARS_MAX],),
    )
    if sum(char.isalpha() for char in shown) >= 8:  # noqa: PLR2004 - shorter ones are everywhere
        queries.triggers["regex"] = [f"(?i){expression}"]
        queries.examples = (*queries.examples, shown)
    return queries
