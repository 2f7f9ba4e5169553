"""Write docs/reference/settings.md from the settings class."""

import sys
from collections.abc import Iterator
from typing import get_args, get_origin

from generated_page import write_or_check
from pydantic.fields import FieldInfo

from tmws_mcp.settings import PREFIX, Settings

INTRODUCTION = """\
# Settings

<!-- Made by `make docs` out of tmws_mcp/settings.py; change it there. -->

Each setting is an environment variable. Those that the environment does not set (or sets to
nothing) are read from the YAML file named by `TMWS_CONFIG`, where they are called by their names in
lower case and without the prefix (`log_level: INFO`); the rest have the defaults below. An unknown
key in that file, or a value that cannot be used, ends the start with a message that names it.

Lists of folders are separated as in `PATH`. `~` is the home folder.

| variable | value | default | what it does |
| --- | --- | --- | --- |
"""

COMPUTED = {
    "home": "by platform, see below",
    "db": "`tmws.db` in `TMWS_HOME`",
    "namespace": "the project's",
    "workspace": "the project's folder",
    "project": "`CLAUDE_PROJECT_DIR`, else the git root",
}
"""Defaults that `Settings.load` works out, in words."""

CLOSING = """
Where `TMWS_HOME` lies by default:

| platform | folder |
| --- | --- |
| Linux and others | `$XDG_DATA_HOME/tmws-mcp`, else `~/.local/share/tmws-mcp` |
| macOS | `~/Library/Application Support/tmws-mcp` |
| Windows | `%LOCALAPPDATA%\\tmws-mcp` |
"""


def page() -> str:
    """Return the page's text."""
    rows = (row(name, field) for name, field in Settings.model_fields.items())
    return INTRODUCTION + "\n".join(rows) + "\n" + CLOSING


def row(name: str, field: FieldInfo) -> str:
    """Return a setting's line of the table."""
    cells = (
        f"`{PREFIX}{name.upper()}`",
        kind(field),
        COMPUTED.get(name) or default(field),
        (field.description or "").replace("|", "\\|"),
    )
    return f"| {' | '.join(cells)} |"


def kind(field: FieldInfo) -> str:
    """Say in words what may be given."""
    annotation = field.annotation
    if get_origin(annotation) is not None and all(isinstance(a, str) for a in get_args(annotation)):
        return ", ".join(f"`{choice}`" for choice in get_args(annotation))
    words = {bool: "`true`, `false`", int: "whole number", float: "number", str: "text"}
    named = words.get(annotation) if isinstance(annotation, type) else None
    found = named or ("folders" if "tuple" in str(annotation) else "path")
    return " ".join((found, *bounds(field)))


def bounds(field: FieldInfo) -> Iterator[str]:
    """Yield a number's limits, as pydantic enforces them."""
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    for limit in field.metadata:
        for attribute, sign in signs.items():
            if (value := getattr(limit, attribute, None)) is not None:
                yield f"{sign} {value:g}"


def default(field: FieldInfo) -> str:
    """Return the default as the environment would spell it."""
    value = field.default
    if value in ("", (), None):
        return "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    sys.exit(write_or_check("settings.md", page()))
