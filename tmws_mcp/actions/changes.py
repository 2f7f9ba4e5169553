"""What changed in a repository: since a moment, since a commit, or not committed yet.

A summary for a reader who wants to know where to look: commits by their subjects, files by the
lines added and removed. The lines themselves are the business of whoever opens the file.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import anyio
import anyio.to_thread
from pydantic import JsonValue

from tmws_mcp.actions.action import Action, Workspace, folder_of, only
from tmws_mcp.actions.command import Finished
from tmws_mcp.actions.git import Repository, of_this_year, opened, why_failed
from tmws_mcp.errors import ActionError
from tmws_mcp.model import JsonObject

COMMITS_MAX = 200
COMMITS_SHOWN = 12
COMMITS_WITHOUT_A_START = 5
FILES_SHOWN = 20
SUBJECT_CHARS_MAX = 100
LATEST_RELEASE = "release"
"""As a base: the latest tag."""

_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./+-]{0,119}")
_COMMIT = "\x01"
_NUMBERS = ("--numstat", "--no-renames", "--no-ext-diff", "--no-textconv")
_NO_SUBMODULES = ("--ignore-submodules=dirty",)
"""Git would look into them by running itself there, with what their configuration names."""


@dataclass(slots=True)
class Tally:
    """Lines by file, of several commits or of the working folder."""

    added: Counter[str] = field(default_factory=Counter)
    removed: Counter[str] = field(default_factory=Counter)
    cut: bool = False
    """Whether git wrote more than is read: then there are more."""

    def count(self, lines: Iterable[str]) -> None:
        """Count lines of `git --numstat` and pass over others; a binary file has none."""
        for line in lines:
            if line.count("\t") < 2:  # noqa: PLR2004 - added, removed, path
                continue
            added, removed, path = line.split("\t", 2)
            self.added[path] += int(added) if added.isdigit() else 0
            self.removed[path] += int(removed) if removed.isdigit() else 0

    def told(self) -> JsonObject:
        """Return the sum, and the files that changed most."""
        ranked = sorted(self.added, key=lambda path: (-self.added[path] - self.removed[path], path))
        shown: list[JsonValue] = [
            f"+{self.added[path]} -{self.removed[path]} {path}" for path in ranked[:FILES_SHOWN]
        ]
        if len(ranked) == 1 and not self.cut:  # which is the sum as well
            return {"changed": shown}
        total = f"{len(ranked)} files, +{self.added.total()} -{self.removed.total()}"
        if self.cut:
            return {"total": f"at least {total}", "changed": shown}
        return {"total": total, "changed": shown} if ranked else {"total": "none"}


async def changes(folder: Path, *, since: str = "", base: str = "") -> JsonObject:
    """Return the commits since a moment (ISO) or a commit, their files, and what is uncommitted.

    Without either the latest commits are told. `release` as the base is the latest tag.

    Raises:
        ActionError: The folder is no repository, or there is no such commit.
    """
    repository = await opened(await anyio.to_thread.run_sync(folder.resolve))
    if base == LATEST_RELEASE:
        base = await _latest_tag(repository)
    log = (*_log(since, base),)
    found: dict[str, Finished] = {}

    async def ask(name: str, *arguments: str) -> None:
        found[name] = await repository.run(*arguments)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask, "log", *log)
        tasks.start_soon(ask, "diff", "diff", *_NUMBERS, *_NO_SUBMODULES, "HEAD", "--")
        tasks.start_soon(ask, "new", "ls-files", "--others", "--exclude-standard")
    if _is_unborn(found["diff"]):
        await ask("diff", "diff", *_NUMBERS, "--cached", "--")
    _check(found, base)
    commits, tally = _read(found["log"])
    told: JsonObject = {"commits": [*commits[:COMMITS_SHOWN]]}
    if base or since:  # else the commits are not a stretch of anything
        told |= {"since": base or _short(since), "committed": tally.told()}
    if len(commits) > COMMITS_SHOWN:
        told["more_commits"] = len(commits) - COMMITS_SHOWN
    return told | {"uncommitted": _uncommitted(found)}


def _log(since: str, base: str) -> Iterator[str]:
    stretch = since or base
    yield from ("log", f"-{COMMITS_MAX if stretch else COMMITS_WITHOUT_A_START}")
    yield from (f"--format={_COMMIT}%h %as %s", *(_NUMBERS if stretch else ()))
    if since:
        yield f"--since={_moment(since)}"
    yield from ("--end-of-options", f"{_revision(base)}..HEAD" if base else "HEAD", "--")


def _moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ActionError(f"`since` is {text[:80]!r}; give a moment such as 2026-05-08.") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def _short(moment: str) -> str:
    """Return the beginning of a day as the day."""
    return moment.removesuffix("T00:00:00+00:00")


def _revision(text: str) -> str:
    if not _REVISION.fullmatch(text) or ".." in text:
        raise ActionError(f"{text[:80]!r} is no name of a branch, a tag or a commit.")
    return text


async def _latest_tag(repository: Repository) -> str:
    found = await repository.run("describe", "--tags", "--abbrev=0", "HEAD")
    if found.code:
        raise ActionError("There is no tag yet: name a branch, a tag or a commit as `base`.")
    return found.output.decode("utf-8", "replace").strip()


def _check(found: dict[str, Finished], base: str) -> None:
    """Refuse an answer that lacks a part; before the first commit there are no commits to tell.

    Raises:
        ActionError: One of git's commands failed, or there is no such base.
    """
    log = found["log"]
    if base and ("unknown revision" in log.error or "bad revision" in log.error):
        raise ActionError(f"There is no branch, tag or commit {base!r} here.")
    for finished in found.values():
        if finished.code and not finished.cut and not _is_unborn(finished):
            raise ActionError(why_failed(finished))


def _is_unborn(finished: Finished) -> bool:
    """Whether a command failed since there is no commit yet."""
    told = ("does not have any commits", "bad revision 'HEAD'", "ambiguous argument 'HEAD'")
    return any(text in finished.error for text in told)


def _read(log: Finished) -> tuple[list[str], Tally]:
    """Return the commits, newest first, and the lines that they changed."""
    commits: list[str] = []
    tally, year = Tally(cut=log.cut), datetime.now(tz=UTC).year
    for line in _lines(log):
        if line.startswith(_COMMIT):
            subject = line.removeprefix(_COMMIT)[:SUBJECT_CHARS_MAX]
            commits.append(of_this_year(subject, year))
        else:
            tally.count([line])
    return commits, tally


def _uncommitted(found: dict[str, Finished]) -> JsonObject:
    tally = Tally(cut=found["diff"].cut)
    tally.count(_lines(found["diff"]))
    new, told = _lines(found["new"]), tally.told()
    told |= {"new": [*new[:FILES_SHOWN]]} if new else {}
    if found["new"].cut:
        return told | {"new_at_least": len(new)}
    return told | ({"new_count": len(new)} if len(new) > FILES_SHOWN else {})


def _lines(finished: Finished) -> list[str]:
    """Return the lines; what was cut off where git wrote too much has no end."""
    return finished.output.decode("utf-8", "replace").split("\n")[:-1]


async def _run(arguments: JsonObject, where: Workspace) -> JsonValue:
    only(arguments, "since", "base")
    since, base = arguments.get("since", ""), arguments.get("base", "")
    if not isinstance(since, str) or not isinstance(base, str):
        raise ActionError("`since` and `base` must be texts.")
    return await changes(folder_of(where), since=since.strip(), base=base.strip())


ACTION = Action("workspace.changes", "Commits, files and lines that changed in the workspace", _run)
