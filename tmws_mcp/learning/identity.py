"""The id of a learned pattern: the same discovery has the same id wherever it is made."""

import json

from tmws_mcp.learning.words import fingerprint
from tmws_mcp.model import JsonObject

SHOWN_ONLY = "task"
"""The task's text is for reading; its key tells it apart, however it was spelled."""
ID_CHARS = 12
"""Short, since a model reads it: among the 5,000 that a namespace keeps two clash once in 10^7."""


def pattern_id(kind: str, definition: JsonObject) -> str:
    """Return the id of a learned pattern, 12 hex digits."""
    told = {name: value for name, value in definition.items() if name != SHOWN_ONLY}
    return fingerprint(kind, json.dumps(told, sort_keys=True, separators=(",", ":")))[:ID_CHARS]
