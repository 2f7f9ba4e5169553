"""Write docs/reference/patterns.md from the shipped pattern files."""

import sys
from collections.abc import Iterator

from generated_page import write_or_check

from tmws_mcp.patterns.catalog import load_catalog, shipped_folder
from tmws_mcp.patterns.definition import Pattern
from tmws_mcp.patterns.steps import (
    ActionStep,
    CallStep,
    CommandStep,
    RecallStep,
    RecommendStep,
    Step,
    StoreStep,
)

INTRODUCTION = """\
# Shipped patterns

<!-- Made by `make docs` out of patterns/; change them there. -->

What `pattern_execute` answers without a pattern of your own. A query needs none of these exact
words: the examples show the kind. Each stands in `patterns/` as a file that
[can be replaced](../guides/patterns.md).

"""

ROUTES = {
    "infrastructure": "Do or look at something now; nothing remembered is needed.",
    "memory": "Recall, list or store what was remembered or learned; nothing is looked at now.",
    "hybrid": "Both side by side: the present state, and what was remembered of it.",
}
EXAMPLES_SHOWN = 6


def page() -> str:
    """Return the page's text."""
    patterns = load_catalog([shipped_folder()]).patterns.values()
    return (
        INTRODUCTION + "\n".join(lines(sorted(patterns, key=lambda each: each.id))).rstrip() + "\n"
    )


def lines(patterns: list[Pattern]) -> Iterator[str]:
    """Yield an overview, then a section for each pattern, by route."""
    yield from ("| pattern | what it answers |", "| --- | --- |")
    for route in ROUTES:
        for pattern in of_route(patterns, route):
            yield f"| [{pattern.id}](#{pattern.id.replace('.', '')}) | {cell(pattern.summary)} |"
    for route, meaning in ROUTES.items():
        yield from ("", f"## {route}", "", meaning, "")
        for pattern in of_route(patterns, route):
            yield from section(pattern)


def of_route(patterns: list[Pattern], route: str) -> list[Pattern]:
    """Return the patterns that were written for a route."""
    return [pattern for pattern in patterns if pattern.route == route]


def section(pattern: Pattern) -> Iterator[str]:
    """Yield a pattern's section."""
    examples = (*pattern.triggers.exact[:2], *pattern.examples.match)[:EXAMPLES_SHOWN]
    kept = f", may serve again for {pattern.cache_seconds} s" if pattern.cache_seconds else ""
    yield from (f"### {pattern.id}", "", f"{pattern.summary}.", "")
    yield f"Asked like: {'; '.join(f'“{example}”' for example in examples)}."
    yield from ("", f"At most {pattern.budget.tokens} tokens{kept}. Steps:", "")
    yield from (f"- `{step.name}`: {words(step)}{condition(step)}" for step in pattern.steps)
    yield ""


def words(step: Step) -> str:
    """Say what a step does."""
    match step:
        case ActionStep():
            return f"action `{step.action}`"
        case CallStep():
            return f"call of `{step.call}`"
        case CommandStep():
            return f"runs `{' '.join(step.command)}`"
        case RecallStep():
            what = f"recalls `{step.recall}`" if step.recall else "the newest memories"
            return f"{what}, at most {step.limit}{filters(step)}"
        case StoreStep():
            return f"stores `{step.store}`" + tagged(step.tags)
        case RecommendStep():
            want = "" if step.recommend.want == "auto" else f" ({step.recommend.want})"
            return f"what was learned for `{step.recommend.task or step.recommend.error}`{want}"


def filters(step: RecallStep) -> str:
    """Say which memories a recall is limited to."""
    said = [tagged(step.tags)] if step.tags else []
    said += [f", tagged with any of {', '.join(step.tags_any)}"] if step.tags_any else []
    said += [f", of the kind {', '.join(step.kinds)}"] if step.kinds else []
    said += [f", of the persona `{step.persona}`"] if step.persona else []
    said += [f", said by `{step.speaker}`"] if step.speaker else []
    said += [f", of the time that `{step.during}` names"] if step.during else []
    return "".join(said)


def tagged(tags: tuple[str, ...]) -> str:
    """Say which tags are given or asked for."""
    return f", tagged {', '.join(tags)}" if tags else ""


def condition(step: Step) -> str:
    """Say when a step runs."""
    said = [f"when the query gives `{step.when}`"] if step.when else []
    said += [f"unless the query gives `{step.unless}`"] if step.unless else []
    said += [f"where `{step.if_empty}` found nothing"] if step.if_empty else []
    said += [f"after {' and '.join(f'`{name}`' for name in step.needs)}"] if step.needs else []
    return f"; {', '.join(said)}" if said else ""


def cell(text: str) -> str:
    """Return a text as a table can hold it."""
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(write_or_check("patterns.md", page()))
