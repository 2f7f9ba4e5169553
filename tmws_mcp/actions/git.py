"""Reading a repository without running anything that it brings along.

A repository's own configuration can name programs: hooks, file system monitors, filters, diff and
ssh commands. None of them runs here: they are switched off on the command line, which outranks the
configuration. No lock is taken, nothing is fetched, and nothing above the folder is looked at. Git
itself, and what it starts, is not looked for in the folder either.
"""

import itertools
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import anyio
from pydantic import JsonValue

from tmws_mcp.actions.command import Finished, run_command
from tmws_mcp.actions.lookup import absolute_path, found_program
from tmws_mcp.errors import ActionError
from tmws_mcp.model import JsonObject
from tmws_mcp.settings import command_environment

COMMITS_SHOWN = 5
CHANGES_SHOWN = 20
SUBJECT_CHARS_MAX = 100
FILTERS_MAX = 50
LIST_FILTERS = ("config", "--show-scope", "-z", "--name-only", "--get-regexp", "^filter\\.")
SWITCHED_OFF = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "core.sshCommand=false",
    "protocol.allow=never",
    "safe.bareRepository=explicit",
    "submodule.recurse=false",
    "color.ui=false",
    "log.showSignature=false",
)


@dataclass(frozen=True, slots=True)
class Repository:
    """A folder that may be a repository, and how git is called in it."""

    git: str
    folder: Path
    filters: tuple[str, ...] = ()

    async def run(self, *arguments: str) -> Finished:
        """Run a reading git command."""
        settings = (*SWITCHED_OFF, *_no_filters(self.filters))
        options = [word for setting in settings for word in ("-c", setting)]
        return await run_command(
            # Named, for else the repository's own `core.worktree` could point anywhere.
            [self.git, "--no-pager", f"--work-tree={self.folder}", *options, *arguments],
            folder=self.folder,
            environment=_environment(self.folder),
        )


def git_program() -> str:
    """Return the path of git.

    Raises:
        ActionError: There is none.
    """
    git = found_program("git", command_environment())
    if git is None:
        raise ActionError("git is not installed.")
    return git


async def opened(folder: Path) -> Repository:
    """Return the repository of a real path, with its own filters switched off.

    Raises:
        ActionError: There is no git, or it cannot read the repository's configuration.
    """
    repository = Repository(git_program(), folder)
    return replace(repository, filters=_filters(await repository.run(*LIST_FILTERS)))


async def git_state(folder: Path) -> JsonObject:
    """Return branch, head, distance from upstream, changes and the latest commits of a real path.

    Raises:
        ActionError: There is no git, the folder is no repository, or git failed.
    """
    repository = Repository(git_program(), folder)
    found: dict[str, Finished] = {}

    async def ask(name: str, *arguments: str) -> None:
        found[name] = await repository.run(*arguments)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask, "log", "log", f"-{COMMITS_SHOWN}", "--format=%h %as %s")
        tasks.start_soon(ask, "filters", *LIST_FILTERS)
    status = await replace(repository, filters=_filters(found["filters"])).run(
        *("status", "--porcelain=v2", "--branch", "-z"),
        *("--untracked-files=normal", "--ignore-submodules=dirty"),
    )
    if status.code and not status.cut:
        raise ActionError(why_failed(status))
    return parse_status(status.output, cut=status.cut) | {"recent": _commits(found["log"])}


def parse_status(output: bytes, *, cut: bool = False) -> JsonObject:
    """Return what `git status --porcelain=v2 --branch -z` says."""
    head: dict[str, str] = {}
    changes: list[str] = []
    fields = iter(output.decode("utf-8", "replace").split("\0"))
    for field in fields:
        if field.startswith("# branch."):
            name, _, value = field.removeprefix("# branch.").partition(" ")
            head[name] = value
        elif field[:2] in {"1 ", "2 ", "u ", "? "}:
            changes.append(_change(field))
            if field.startswith("2 "):
                next(fields, None)  # the name before the rename
    return _head(head) | {
        # Where git wrote too much the count is a lower bound.
        ("changed_at_least" if cut else "changed_count"): len(changes),
        "changed": [*changes[:CHANGES_SHOWN]],
    }


def _head(head: dict[str, str]) -> JsonObject:
    commit = head.get("oid", "")
    state: JsonObject = {
        "branch": head.get("head", "(detached)"),
        "commit": None if commit == "(initial)" else commit[:12],
    }
    if "upstream" in head:
        ahead, _, behind = head.get("ab", "").partition(" ")
        state |= {"upstream": head["upstream"]}
        if ahead:
            state |= {"ahead": int(ahead), "behind": -int(behind)}
    return state


def _change(field: str) -> str:
    """Return `M. src/app.py`: the state in the index and in the folder, then the name."""
    if field.startswith("? "):
        return f"?? {field[2:]}"
    spaces = {"1": 8, "2": 9, "u": 10}[field[0]]
    return f"{field[2:4]} {field.split(' ', spaces)[-1]}"


def _commits(log: Finished) -> list[JsonValue]:
    """Return the latest commits; none before the first one."""
    lines = log.output.decode("utf-8", "replace").splitlines() if log.code == 0 else []
    year = datetime.now(tz=UTC).year
    return [of_this_year(line[:SUBJECT_CHARS_MAX], year) for line in lines]


def of_this_year(commit: str, year: int) -> str:
    """Return `%h %as %s` of a commit, without the year where it is this one.

    >>> of_this_year("13439de 2026-11-25 Begin", 2026)
    '13439de 11-25 Begin'
    """
    name, _, rest = commit.partition(" ")
    return f"{name} {rest.removeprefix(f'{year}-')}"


def _filters(listed: Finished) -> tuple[str, ...]:
    """Return the names of the filters that the repository's own configuration defines."""
    if listed.code not in {0, 1} or listed.cut:  # 1: there are none
        raise ActionError(why_failed(listed))
    fields = listed.output.decode("utf-8", "replace").split("\0")
    own = {key for scope, key in itertools.pairwise(fields) if scope in {"local", "worktree"}}
    names = {key.removeprefix("filter.").rpartition(".")[0] for key in own}
    if any("=" in name for name in names):
        # `-c` ends a key at its first `=`: what would be switched off is another filter.
        raise ActionError("The repository defines a filter with = in its name: it is not read.")
    if len(names) > FILTERS_MAX:
        raise ActionError(f"The repository defines more than {FILTERS_MAX} filters.")
    return tuple(sorted(names - {""}))


def _no_filters(names: tuple[str, ...]) -> tuple[str, ...]:
    """Switch off filters of the repository's own; those of the user's settings may run."""
    offs = ("clean=", "smudge=", "process=", "required=false")
    return tuple(f"filter.{name}.{off}" for name in names for off in offs)


def _environment(folder: Path) -> dict[str, str]:
    own = command_environment()
    return own | {
        "PATH": absolute_path(own),
        "LC_ALL": "C.UTF-8",
        "GIT_CEILING_DIRECTORIES": str(folder.parent),
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_PAGER": "cat",
        "GIT_TERMINAL_PROMPT": "0",
    }


def why_failed(status: Finished) -> str:
    """Return why git failed, in a line."""
    if "not a git repository" in status.error:
        return "The folder is not a git repository."
    if "dubious ownership" in status.error:
        return "git does not trust the folder: it belongs to another user (safe.directory)."
    lines = status.error.splitlines() or [f"git ended with code {status.code}"]
    return f"git failed: {lines[0][:200]}"
