"""The REST interface on a page, made of its OpenAPI without scripts: nothing is fetched."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

router = APIRouter()

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
summary { cursor: pointer; padding: .2rem 0 } code { font-size: .9em }
td { padding: .1rem 1rem .1rem 0 }
td:first-child { white-space: nowrap } details { margin-left: 1rem }
@media (prefers-color-scheme: dark) { body { background: #111; color: #ddd } a { color: #8bf } }
"""

Told = Mapping[str, Any]


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> HTMLResponse:
    """Show the interface."""
    text = page(request.app.openapi())
    return HTMLResponse(text, headers={"Content-Security-Policy": POLICY})


def page(openapi: Told) -> str:
    """Return the page."""
    title = f"{openapi['info']['title']} {openapi['info']['version']}"
    parts = (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title>",
        f"<style>{STYLE}</style><h1>{escape(title)}</h1><p>{escape(openapi['info']['description'])}",
        "<p>For programs: <a href=/openapi.json>openapi.json</a>.",
        *_routes(openapi),
        "<h2>Objects</h2>",
        *(_schema(name, told) for name, told in sorted(openapi["components"]["schemas"].items())),
    )
    return "\n".join(parts)


def operations(openapi: Told) -> Iterator[tuple[str, str, Told]]:
    """Yield method, path and description of each route, in the order of their groups."""
    for path, item in openapi["paths"].items():
        for method, told in item.items():
            yield method.upper(), path, told


def body_of(told: Told) -> str:
    """Return the name of the object that a route takes; empty where it takes none."""
    content = told.get("requestBody", {}).get("content", {})
    return kind(content.get("application/json", {}).get("schema", {}))


def answer_of(told: Told) -> str:
    """Return the name of what a route answers with."""
    [good] = (one for status, one in told["responses"].items() if status.startswith("2"))
    [(media, content)] = good["content"].items()
    return kind(content.get("schema", {})) or media


def kind(schema: Told) -> str:
    """Return the name of a schema, or of what it is made of.

    >>> kind({"type": "array", "items": {"$ref": "#/components/schemas/Memory"}})
    'list of Memory'
    """
    if reference := schema.get("$ref"):
        return str(reference).rpartition("/")[2]
    if either := schema.get("anyOf"):
        return " or ".join(dict.fromkeys(kind(one) for one in either))
    if choices := schema.get("enum"):
        return ", ".join(map(str, choices))
    if schema.get("type") == "array":
        return f"list of {kind(schema.get('items', {})) or 'anything'}"
    return str(schema.get("const", schema.get("type", "")))


def _routes(openapi: Told) -> Iterator[str]:
    group = ""
    for method, path, told in operations(openapi):
        if (tag := told["tags"][0]) != group:
            group = tag
            yield f"<h2>{escape(group.capitalize())}</h2>"
        needs = told.get("x-needs", "no token")
        yield (
            f"<details><summary><code>{method} {escape(path)}</code> "
            f"{escape(told.get('description', ''))}</summary><p>Needs {needs}"
            f"{' over all namespaces' if 'x-everywhere' in told else ''}. "
            f"Takes {_linked(body_of(told)) or 'no body'}, answers with {_linked(answer_of(told))}."
            f"{_table(told.get('parameters', ()))}</details>"
        )


def _table(parameters: Any) -> str:
    rows = ((one["name"], kind(one["schema"]), one.get("description", "")) for one in parameters)
    return f"<table>{''.join(map(_row, rows))}</table>"


def _schema(name: str, told: Told) -> str:
    fields = told.get("properties", {}).items()
    rows = ((field, kind(one), one.get("description", "")) for field, one in fields)
    return (
        f"<details id='{escape(name)}'><summary><code>{escape(name)}</code> "
        f"{escape(told.get('description', ''))}</summary>"
        f"<table>{''.join(map(_row, rows))}</table></details>"
    )


def _row(cells: tuple[str, str, str]) -> str:
    name, what, said = cells
    return f"<tr><td><code>{escape(name)}</code><td>{_linked(what)}<td>{escape(said)}</tr>"


def _linked(name: str) -> str:
    shown = escape(name)
    return f"<a href='#{shown}'>{shown}</a>" if shown[:1].isupper() and " " not in shown else shown
