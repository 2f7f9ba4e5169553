"""Which project is at hand: its folder, and the namespace of what is remembered about it."""

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

SLUG_CHARS_MAX = 60


def project_namespace(project: Path) -> str:
    """Return a project's namespace: the folder's name and a hash of its path.

    Without the hash two projects in folders of the same name would share their memories.

    >>> project_namespace(Path("/home/ada/My App"))
    'my-app-350a3f'
    """
    slug = re.sub(r"[^a-z0-9._]+", "-", project.name.lower()).strip("-._")[:SLUG_CHARS_MAX]
    digest = hashlib.sha256(str(project).encode("utf-8", "surrogateescape")).hexdigest()[:6]
    return f"{slug.strip('-._') or 'project'}-{digest}"


def checkout_of(environ: Mapping[str, str], cwd: Path | None) -> Path | None:
    """Return the folder of the project at hand: a repository, or a linked worktree of one."""
    if named := environ.get("CLAUDE_PROJECT_DIR"):
        return Path(named).absolute()
    return next((f for f in (cwd, *cwd.parents) if (f / ".git").exists()), None) if cwd else None


def working_folder() -> Path | None:
    """Return the folder that this process works in, if it has one."""
    try:
        return Path.cwd()
    except OSError:  # it was removed under us
        return None


def repository_of(checkout: Path) -> Path:
    """Return the repository of a linked worktree; anything else is its own."""
    mark = checkout / ".git"
    return (_worktree_owner(mark) if mark.is_file() else None) or checkout


def _worktree_owner(mark: Path) -> Path | None:
    """Return the repository of a linked worktree that the repository knows too.

    The file alone proves nothing: one that came with foreign code could name any project, and so
    have its memories recalled.
    """
    try:
        target = mark.read_text("utf-8").removeprefix("gitdir:").strip()
        known = Path(target, "gitdir").read_text("utf-8").strip()
        if not Path(target, known).samefile(mark):
            return None
    except (OSError, ValueError):
        return None
    common, found, _ = target.partition(f"{os.sep}.git{os.sep}worktrees{os.sep}")
    return Path(common) if found else None
