"""The tools' schemas as clients see them: all that a model needs, and nothing that only costs it.

What tools/list says is in the context of every conversation, so that pydantic's schemas are cut
down: no titles, no `null` alternatives (leaving an argument out says the same), no definitions to
follow, no bounds that nobody meets. What is left out here is still enforced by the request's model,
whose errors name the bound.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from tmws_mcp.model import JsonObject

KEPT = ("type", "enum", "format", "items", "description", "default")
BOUND_MAX = 20_000  # a larger bound guards the server and tells a model nothing
FREE_FORM = {"type": "object"}


def input_schema(model: type[BaseModel]) -> JsonObject:
    """Return the schema of a tool's arguments."""
    full = model.model_json_schema()
    schema: JsonObject = {
        "type": "object",
        "properties": {name: _plain(field) for name, field in full["properties"].items()},
        "additionalProperties": False,
    }
    if required := full.get("required"):
        schema["required"] = required
    return schema


def _plain(field: Mapping[str, Any]) -> JsonObject:
    """Return one argument's schema, in as few words as will do."""
    field = {**_only_alternative(field), **field}
    if "$ref" in field:
        return dict(FREE_FORM)
    # A default that says "nothing" is what leaving the argument out says anyway.
    plain: JsonObject = {key: field[key] for key in KEPT if field.get(key)}
    if isinstance(field.get("anyOf"), list) and "type" not in field:
        # Not a list of types, which some clients that translate schemas do not know.
        kinds = [kind["type"] for kind in field["anyOf"] if kind.get("type") != "null"]
        plain["anyOf"] = [{"type": kind} for kind in kinds]
    if "items" in plain:
        plain["items"] = _plain(field["items"])
    return plain | _bounds(field)


def _only_alternative(field: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the one kind of value that is left when null is not counted, if it is one."""
    kinds = [kind for kind in field.get("anyOf", ()) if kind.get("type") != "null"]
    return kinds[0] if len(kinds) == 1 else {}


def _bounds(field: Mapping[str, Any]) -> JsonObject:
    if not 0 < field.get("maximum", 0) <= BOUND_MAX:
        return {}
    return {key: field[key] for key in ("minimum", "maximum") if key in field}


def output_schema(model: type[BaseModel]) -> JsonObject:
    """Return the schema of a tool's structured reply."""
    schema: JsonObject = _untitled(model.model_json_schema())
    return schema


def _untitled(schema: Any) -> Any:
    """Drop the titles that pydantic makes of the names, wherever they stand."""
    if isinstance(schema, list):
        return [_untitled(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _untitled(part)
        for key, part in schema.items()
        if not (key == "title" and isinstance(part, str))
    }
