"""A command step: an argument list out of the definition, of which a query can fill single words.

Nothing is ever parsed out of a value: a placeholder is one whole argument or is refused when the
file is read, what it may hold is declared, and a value cannot become an option. There is no shell.
"""

import json
import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import TYPE_CHECKING

from pydantic import JsonValue

from tmws_mcp.errors import ActionError, InvalidInput
from tmws_mcp.patterns.parts import Call, Found, Parts
from tmws_mcp.patterns.steps import ActionStep, CommandStep
from tmws_mcp.patterns.templates import fill, names_in, typed_value

if TYPE_CHECKING:
    from tmws_mcp.patterns.definition import Pattern

VALUE_CHARS_MAX = 1_000
ERRORS_SHOWN_CHARS = 1_000
SHELLS = frozenset(
    {"sh", "bash", "dash", "zsh", "ksh", "fish", "csh", "tcsh", "cmd", "powershell", "pwsh"}
)
CODE_OPTIONS = frozenset({"-c", "-e", "-E", "-exec", "--eval", "--command", "--exec", "-command"})
"""What stands behind one of them is code to most programs."""
LITERAL_FROM = "--"
"""By custom, nothing behind it is an option."""

# What a terminal would act on, and a model would read as noise.
_CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f]"
)


def command_problems(pattern: "Pattern") -> Iterator[str]:
    """Yield what is wrong with the command steps of a pattern."""
    for number, step in enumerate(pattern.steps, 1):
        if isinstance(step, CommandStep):
            for problem in _problems(step, pattern):
                yield f"steps[{number}].{problem}"


def fetch_problems(pattern: "Pattern") -> Iterator[str]:
    """Yield where a value would be put into the middle of a URL, and could change its meaning."""
    for number, step in enumerate(pattern.steps, 1):
        url = step.with_.get("url") if isinstance(step, ActionStep) else None
        if isinstance(url, str) and names_in(url) - {url[1:-1]}:
            yield f"steps[{number}].with.url: put what is filled in into `params`, which is encoded"


def _problems(step: CommandStep, pattern: "Pattern") -> Iterator[str]:
    program, *words = step.command
    if names_in(program):
        yield "command: the program must be written out, not filled in"
    filled = [word for word in words if names_in(word)]
    if filled and PurePath(program).stem.lower() in SHELLS:
        yield "command: a shell would read what is filled in as code"
    for before, word in zip(step.command, words, strict=False):
        if word in filled and before in CODE_OPTIONS:
            yield f"command: {word} stands behind {before}, where it would be code"
    for word in (*filled, *([step.folder] if names_in(step.folder) else [])):
        yield from _word_problems(word, pattern)
    folder = pattern.arguments.get(step.folder[1:-1])
    if names_in(step.folder) and folder and folder.type != "path":
        yield f"folder: {step.folder} must be an argument of type path"


def _word_problems(word: str, pattern: "Pattern") -> Iterator[str]:
    name = word[1:-1]
    if word != f"{{{name}}}":
        yield f"command: {word!r}: what is filled in must be a whole argument of its own"
    elif name not in pattern.arguments:
        yield f"command: {word} must be declared under `arguments`"
    elif not pattern.arguments[name].is_checked:
        yield (
            f"command: {word}: declare what it may hold: choices, a pattern, or one of the types "
            "path, date, integer, number"
        )


async def run_command_step(step: CommandStep, parts: Parts, call: Call) -> Found:
    """Run the command; a code other than 0 is a failure, and what it wrote is told all the same.

    Raises:
        ActionError: It is not allowed, cannot be started, or does not end in time.
        InvalidInput: A value cannot be an argument of it.
    """
    folder = await parts.programs.folder(fill(step.folder, call.arguments))
    argv = [step.command[0]]
    for word in step.command[1:]:
        literal = LITERAL_FROM in step.command[: len(argv)]
        argv.append(await _argument(word, parts, call, folder, literal=literal))
    done = await parts.programs.run(argv, folder)
    value: dict[str, JsonValue] = {"output": _output(step, done.output)}
    if done.cut:
        value["cut"] = "it wrote more than is read, and was stopped"
    if done.code and not done.cut:
        value |= {"exit_code": done.code, "errors": _plain(done.error)[-ERRORS_SHOWN_CHARS:]}
        return Found(value, failure=f"{step.command[0]} ended with code {done.code}")
    return Found(value)


async def _argument(word: str, parts: Parts, call: Call, folder: str, *, literal: bool) -> str:
    """Return a word of the definition with its placeholder filled by a checked value."""
    if not names_in(word):
        return fill(word, call.arguments)
    name = word[1:-1]
    declared = call.declared[name]
    value = str(typed_value(word, call.arguments, call.types))
    if len(value) > VALUE_CHARS_MAX or "\0" in value:
        raise InvalidInput(f"{name} has more than {VALUE_CHARS_MAX:,} characters, or a zero byte.")
    if declared.type == "path":
        return await parts.programs.path(value, folder)
    if value.startswith("-") and not literal and value not in declared.choices:
        raise InvalidInput(
            f"{name} is {value[:60]!r}, which the program would take for an option. Put it behind "
            "'--' in the definition, or among the choices."
        )
    return value


def _output(step: CommandStep, output: bytes) -> JsonValue:
    text = _plain(output.decode("utf-8", "replace")).strip()
    if step.output == "lines":
        return [*text.splitlines()]
    if step.output == "json":
        try:
            found: JsonValue = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ActionError(f"{step.command[0]} did not write JSON: {error}.") from error
        return found
    return text


def _plain(text: str) -> str:
    return _CONTROL.sub("", text.replace("\r\n", "\n"))
