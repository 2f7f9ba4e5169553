"""An authored pattern, as its file holds it, checked as far as a file can be checked.

Everything that would fail in mid-run for want of a name is found here instead: a step that needs
one which comes later, a template that names what nobody gives, a route whose steps do not fit it.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, ValidationError, model_validator

from tmws_mcp.errors import FileError, PatternFileError
from tmws_mcp.model import Route
from tmws_mcp.model.base import Text
from tmws_mcp.patterns.arguments import Argument, argument_problems
from tmws_mcp.patterns.commands import command_problems, fetch_problems
from tmws_mcp.patterns.regexes import Regex, RegexRefused
from tmws_mcp.patterns.steps import (
    ActionStep,
    CallStep,
    CommandStep,
    Definition,
    Identifier,
    RecallStep,
    RecommendStep,
    Step,
    StoreStep,
)
from tmws_mcp.patterns.templates import names_in_value
from tmws_mcp.yamlfile import line_of, read_mapping

EXACT_MAX = 50
REGEXES_MAX = 20
EXAMPLES_MAX = 400
ARGUMENTS_MAX = 20
STEPS_MAX = 12
REGEX_CHARS_MAX = 1_000
TRIGGER_CHARS_MAX = 200
MILLISECONDS_MAX = 60_000
TASK_CHARS_MAX = 600
PROBLEMS_SHOWN_MAX = 5
QUERY = "query"
"""The argument that every pattern has."""

PatternId = Annotated[
    str, StringConstraints(pattern=r"^(infrastructure|memory|hybrid)\.[a-z][a-z0-9_]{0,59}$")
]
Phrase = Annotated[Text, StringConstraints(min_length=1, max_length=TRIGGER_CHARS_MAX)]
Expression = Annotated[Text, StringConstraints(min_length=1, max_length=REGEX_CHARS_MAX)]
Example = Annotated[Text, StringConstraints(min_length=1, max_length=500)]
Examples = Annotated[tuple[Example, ...], Field(max_length=EXAMPLES_MAX)]


class Triggers(Definition):
    """What a query must look like."""

    exact: Annotated[tuple[Phrase, ...], Field(max_length=EXACT_MAX)] = ()
    regex: Annotated[tuple[Expression, ...], Field(max_length=REGEXES_MAX)] = ()


class ExampleQueries(Definition):
    """Queries that must and must not lead here: the pattern's own tests."""

    match: Examples = ()
    like: Examples = ()
    """More ways of asking for it, to learn from: no tests, and shown to nobody."""
    no_match: Examples = ()


class Budget(Definition):
    """What an execution may cost, unless the caller says otherwise."""

    tokens: Annotated[int, Field(ge=50, le=20_000)] = 800
    milliseconds: Annotated[int, Field(ge=10, le=MILLISECONDS_MAX)] = 5_000


class Pattern(Definition):
    """An authored pattern."""

    id: PatternId
    route: Route
    summary: Annotated[Text, StringConstraints(min_length=1, max_length=300)]
    task: Annotated[Text, StringConstraints(max_length=TASK_CHARS_MAX)] = ""
    """What it is done for: with a task, its executions are observed step by step."""
    promoted_from: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")] | None = None
    """The learned pattern that it was made of."""
    triggers: Triggers = Field(default_factory=Triggers)
    examples: ExampleQueries = Field(default_factory=ExampleQueries)
    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    budget: Budget = Field(default_factory=Budget)
    cache_seconds: Annotated[int, Field(ge=0, le=86_400)] = 0
    arguments: Annotated[dict[Identifier, Argument], Field(max_length=ARGUMENTS_MAX)] = Field(
        default_factory=dict
    )
    steps: Annotated[tuple[Step, ...], Field(max_length=STEPS_MAX)]

    @property
    def stores(self) -> bool:
        """Whether it changes the memory."""
        return any(isinstance(step, StoreStep) for step in self.steps)

    @property
    def commands(self) -> tuple[str, ...]:
        """The programs that it runs."""
        return tuple(step.command[0] for step in self.steps if isinstance(step, CommandStep))

    @property
    def calls(self) -> tuple[str, ...]:
        """The names of the tools that are not ours and that it calls."""
        return tuple(step.call for step in self.steps if isinstance(step, CallStep))

    @property
    def actions(self) -> tuple[str, ...]:
        """The names of the actions that it calls."""
        return tuple(step.action for step in self.steps if isinstance(step, ActionStep))

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        problems = [
            *_id_problems(self),
            *_route_problems(self),
            *_order_problems(self),
            *_name_problems(self),
            *argument_problems(self.arguments),
            *command_problems(self),
            *fetch_problems(self),
        ]
        if problems:
            raise ValueError("; ".join(problems[:PROBLEMS_SHOWN_MAX]))
        return self


def read_pattern(path: Path) -> Pattern:
    """Return the pattern that a file holds.

    Raises:
        PatternFileError: It cannot be used; the message names file, line (where known) and key.
    """
    try:
        data = read_mapping(path)
    except FileError as error:
        raise PatternFileError(path, error.problem, line=error.line) from error
    pattern = parse_pattern(data, path=path)
    expected = f"{path.parent.name}.{path.stem}"
    if pattern.id != expected:
        problem = f"id: {pattern.id!r} does not equal the path's {expected!r}; change one of them"
        raise PatternFileError(path, problem, line=line_of(path, ["id"]))
    return pattern


def parse_pattern(data: Mapping[str, Any], *, path: Path | str) -> Pattern:
    """Return the pattern that a mapping defines; `path` names its origin in errors.

    Raises:
        PatternFileError: It cannot be used.
    """
    try:
        return Pattern.model_validate(data)
    except ValidationError as error:
        raise _file_error(path, error) from error


def _file_error(path: Path | str, error: ValidationError) -> PatternFileError:
    """Name the keys as the file has them: pydantic's own path also holds the kinds of step."""
    errors = error.errors(include_url=False, include_input=False, include_context=False)
    places = [_place(item["loc"]) for item in errors]
    said = [
        f"{_dotted(place)}: {_message(item)}" if place else _message(item)
        for place, item in zip(places, errors, strict=True)
    ]
    rest = len(said) - PROBLEMS_SHOWN_MAX
    problem = "; ".join(said[:PROBLEMS_SHOWN_MAX]) + (f"; and {rest} more" if rest > 0 else "")
    lines = (line_of(path, place) for place in places) if isinstance(path, Path) else ()
    return PatternFileError(path, problem, line=next((n for n in lines if n), None))


def _message(item: Mapping[str, Any]) -> str:
    if item["type"] == "extra_forbidden":
        return "this key is not known here"
    return str(item["msg"]).removeprefix("Value error, ")


def _place(loc: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Leave out the kind that stands after the number of a step."""
    if len(loc) > 2 and loc[0] == "steps":  # noqa: PLR2004 - steps, number, kind
        return (*loc[:2], *loc[3:])
    return loc


def _dotted(place: tuple[str | int, ...]) -> str:
    text = "".join(f"[{key + 1}]" if isinstance(key, int) else f".{key}" for key in place)
    return text.removeprefix(".")


def _id_problems(pattern: Pattern) -> Iterator[str]:
    if not pattern.id.startswith(f"{pattern.route}."):
        yield f"id: {pattern.id!r} must begin with its route, {pattern.route!r}"


def _route_problems(pattern: Pattern) -> Iterator[str]:
    parts = {step.part for step in pattern.steps}
    if not parts:
        yield "steps: there are none"
        return
    wanted = {"infrastructure", "memory"} if pattern.route == "hybrid" else {pattern.route}
    if parts != wanted:
        yield (
            f"route: {pattern.route} patterns have {' and '.join(sorted(wanted))} steps, these are "
            f"{' and '.join(sorted(parts))} (infrastructure: action, call, command)"
        )


def _order_problems(pattern: Pattern) -> Iterator[str]:
    """Only earlier steps can be waited for, which leaves no room for a cycle."""
    earlier: set[str] = set()
    for number, step in enumerate(pattern.steps, 1):
        if step.name in earlier:
            yield f"steps[{number}].name: {step.name!r} stands twice"
        for name in step.after:
            if name not in earlier:
                yield f"steps[{number}].needs: no earlier step is called {name!r}"
        earlier.add(step.name)


def _name_problems(pattern: Pattern) -> Iterator[str]:
    known = {QUERY, *pattern.arguments}
    for number, expression in enumerate(pattern.triggers.regex, 1):
        try:
            known |= Regex(expression).groups
        except RegexRefused as error:
            yield f"triggers.regex[{number}]: RE2 refuses {expression!r}: {error}"
    for name, argument in pattern.arguments.items():
        yield from _unknown(f"arguments.{name}.default", argument.default, {QUERY})
    for number, step in enumerate(pattern.steps, 1):
        passed = set(step.needs) if step.takes_results else set[str]()
        for name in sorted(passed & known & names_in_value(templates_of(step))):
            yield f"steps[{number}]: {{{name}}} may be a step or an argument; rename one of them"
        yield from _unknown(f"steps[{number}]", templates_of(step), known | passed)


def _unknown(place: str, value: Any, known: set[str]) -> Iterator[str]:
    try:
        unknown = sorted(names_in_value(value) - known)
    except ValueError as error:
        yield f"{place}: {error}"
        return
    for name in unknown:
        yield (
            f"{place}: nothing gives {{{name}}} a value; known here are "
            f"{', '.join(sorted(known))} (`query`, named groups, what `arguments` declares, "
            "and in a recall or recommend the steps that it `needs`)"
        )


def templates_of(step: Step) -> list[Any]:
    """Return all of a step that may refer to names."""
    conditions = [f"{{{name}}}" for name in step.conditions]
    match step:
        case ActionStep() | CallStep():
            return [*conditions, step.with_]
        case CommandStep():
            return [*conditions, *step.command, step.folder]
        case RecallStep():
            texts = (step.recall, step.during, step.persona, step.speaker, step.thread)
            return [*conditions, *texts, *step.tags, *step.tags_any]
        case StoreStep():
            texts = (step.store, step.persona, step.speaker, step.thread, step.source)
            return [*conditions, *texts, *step.tags]
        case RecommendStep():
            return [*conditions, step.recommend.model_dump()]
