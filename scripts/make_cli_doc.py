"""Write docs/reference/cli.md from the command line itself."""

import sys
from collections.abc import Iterator
from typing import Any

from generated_page import write_or_check

from tmws_mcp.cli.app import whole

INTRODUCTION = """\
# Command line

<!-- Made by `make docs` out of tmws_mcp/cli; change it there. -->

`tmws-mcp` without a command serves over stdio. `python -m tmws_mcp` is the same command.

Exit codes: 0 all is well; 1 a check or a call failed; 2 wrong usage or settings that cannot be
used; 3 the command worked and found nothing.
"""


def page() -> str:
    """Return the page's text."""
    return "\n".join([INTRODUCTION, *sections(whole(), ("tmws-mcp",))])


def sections(command: Any, path: tuple[str, ...]) -> Iterator[str]:
    """Yield a section for each command below, in the order in which `--help` lists them."""
    # Any: typer brings its own click, whose classes it does not export.
    for name, below in getattr(command, "commands", {}).items():
        if not below.hidden:
            yield section(below, (*path, name))
            yield from sections(below, (*path, name))


def section(command: Any, path: tuple[str, ...]) -> str:
    """Return what a command does and what it takes."""
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    words = [*path, *map(placeholder, arguments)]
    lines = [f"## `{' '.join(words)}`", "", paragraph(command.help), ""]
    rows = [row(p) for p in command.params if p.param_type_name == "option"]
    if rows:
        lines += ["| option | what it does |", "| --- | --- |", *rows, ""]
    return "\n".join(lines)


def placeholder(argument: Any) -> str:
    """Return an argument's name as a usage line shows it."""
    name = argument.metavar or argument.name.upper()
    return name if argument.required else f"[{name}]"


def row(option: Any) -> str:
    """Return an option's line of the table."""
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    shown = option.default
    plain = isinstance(shown, str | int | float) and not isinstance(shown, bool) and shown != ""
    default = f" Default: `{shown}`." if plain else ""
    return f"| {names} | {(paragraph(option.help) + default).strip()} |".replace("\n", " ")


def paragraph(text: str | None) -> str:
    """Return a help text on lines of its own, without the marks that are meant for terminals."""
    return (text or "").replace("\b", "").replace("\f", "").replace("|", "\\|").strip()


if __name__ == "__main__":
    sys.exit(write_or_check("cli.md", page()))
