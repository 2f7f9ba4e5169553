"""Write docs/reference/rest.md from the OpenAPI of the HTTP interface."""

import sys
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

from generated_page import write_or_check

from tmws_mcp.settings import Settings
from tmws_mcp.web.app import build_app
from tmws_mcp.web.docs import answer_of, body_of, kind, operations
from tmws_mcp.web.reach import reach_of

INTRODUCTION = """\
# REST

<!-- Made by `make docs` out of /openapi.json; change it in tmws_mcp/web/rest. -->

The routes of `tmws-mcp serve --transport http`; [the guide](../guides/http.md) tells of tokens and
errors. A running server has the same as OpenAPI at `/openapi.json` and to read at `/docs`, with
every object's fields. "All" beside a permission: a token for some namespaces will not do.
"""

Told = Mapping[str, Any]


def openapi() -> Told:
    """Return the description of the interface."""
    with tempfile.TemporaryDirectory() as home:
        settings = Settings.load({"TMWS_HOME": home})
        return build_app(settings, reach_of("127.0.0.1", 8931), tokens=True).openapi()


def lines(told: Told) -> Iterator[str]:
    """Yield the page's tables, one for each group."""
    group = ""
    for method, path, one in operations(told):
        if (tag := one["tags"][0]) != group:
            group = tag
            yield f"\n## {group.capitalize()}\n"
            yield "| route | | needs | takes | answers with |\n| --- | --- | --- | --- | --- |"
        needs = one.get("x-needs", "nothing") + (", all" if "x-everywhere" in one else "")
        yield (
            f"| `{method} {path}` | {one.get('description', '')} | {needs} | {takes(one)} "
            f"| {answer_of(one)} |"
        )


def takes(one: Told) -> str:
    """Return the body's object, and the names of the query's parameters."""
    asked = [
        f"`{each['name']}` ({kind(each['schema'])})"
        for each in one.get("parameters", ())
        if each["in"] == "query"
    ]
    return ", ".join(filter(None, [body_of(one), *asked]))


if __name__ == "__main__":
    sys.exit(write_or_check("rest.md", "\n".join([INTRODUCTION, *lines(openapi())]) + "\n"))
