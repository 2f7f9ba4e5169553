"""What the doctor looks at: one small function for each thing, and the table of them all.

A check says what it found and, unless all is well, what to do about it. "warn" is a tier or a
custom that still works; "fail" is what stops the server from doing its work. Nothing is made: where
there is no store yet, the checks of its contents say so, and the write probe tries the folder.
"""

import os
import stat
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from tmws_mcp import plugins
from tmws_mcp.actions.installed import loaded_action
from tmws_mcp.actions.registry import ACTIONS, CONFIGURED_ACTIONS, STATE_ACTIONS
from tmws_mcp.actions.upstream.config import read_servers
from tmws_mcp.engine.report import limits_of
from tmws_mcp.errors import (
    EmbedderUnavailable,
    NewerSchema,
    NotADatabase,
    PluginBroken,
    StoreError,
    TmwsError,
)
from tmws_mcp.learning.installed import experts
from tmws_mcp.memory.upkeep import quota as quotas
from tmws_mcp.settings import Settings
from tmws_mcp.store import checkup, driver, embedders, migrations, namespaces, overview
from tmws_mcp.store.driver import Connection

State = Literal["ok", "warn", "fail"]

OLDEST_PYTHON = (3, 11)
PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600
OTHERS = stat.S_IRWXG | stat.S_IRWXO
KEEPS_ALL = "noeviction"
REDIS_SECONDS_MAX = 2.0
NAMESPACES_SHOWN_MAX = 10
NEARLY_FULL_SHARE = 0.9
NOT_MADE = "not made yet; the first start makes it"
WORDS_ALONE = "Recall works with words alone until then."


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found."""

    state: State
    found: str
    remedy: str = ""


Check = Callable[[Settings], Finding]


def examine(check: Check, settings: Settings) -> Finding:
    """Return the check's finding; an error of ours is a failure with its own remedy."""
    try:
        return check(settings)
    except TmwsError as error:
        found, _, remedy = str(error).partition(". ")
        return Finding("fail", found.rstrip("."), remedy)


def python(_: Settings) -> Finding:
    """Which Python runs."""
    found = f"{'.'.join(map(str, sys.version_info[:3]))} at {sys.executable}"
    if sys.version_info < OLDEST_PYTHON:
        return Finding("fail", found, "Use Python 3.11 or newer.")
    return Finding("ok", found)


def sqlite(_: Settings) -> Finding:
    """Which SQLite library runs."""
    library = driver.library()
    oldest = ".".join(map(str, driver.OLDEST_SQLITE))
    if library.version < driver.OLDEST_SQLITE:
        return Finding("fail", f"{library}, older than {oldest}", "Install apsw: pip install apsw.")
    if library.name != "apsw":
        return Finding("warn", f"{library}: apsw is not there", "Install it: pip install apsw.")
    return Finding("ok", str(library))


def vectors(_: Settings) -> Finding:
    """Whether the vector extension loads."""
    if driver.vector_extension() is None:
        return Finding(
            "warn", "sqlite-vec is not installed", f"pip install sqlite-vec. {WORDS_ALONE}"
        )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "probe.db"
        file.touch()
        with checkup.opened(file) as db:
            if not driver.load_vectors(db):
                return Finding(
                    "warn",
                    f"sqlite-vec cannot be loaded into {driver.library()}",
                    f"Install apsw and sqlite-vec again. {WORDS_ALONE}",
                )
            return Finding("ok", f"sqlite-vec {checkup.vector_version(db)}")


def embedder(settings: Settings) -> Finding:
    """Whether texts become vectors; loading compares the checksums of the model's files."""
    from tmws_mcp.embedding.embedder import load_embedder, options_of  # noqa: PLC0415 - numpy

    try:
        loaded = load_embedder(settings.embedder, options_of(settings))
    except EmbedderUnavailable as error:
        return Finding("warn", error.problem, f"{error.remedy} {WORDS_ALONE}")
    checked = ", checksums as published" if settings.embedder == "static" else ""
    made = _vectors_made(settings.db, loaded.id)
    return Finding("ok", f"{loaded.id}, {loaded.dimensions} dimensions{checked}{made}")


def store(settings: Settings) -> Finding:
    """Where the store is, and whether its file is one of ours."""
    path = settings.db
    if not path.exists():
        return Finding("ok", f"{path}: {NOT_MADE}")
    if not path.is_file():
        return Finding("fail", f"{path} is no file", "Name a file with TMWS_DB.")
    with checkup.opened(path) as db:
        owner = checkup.ownership(db)
    if not owner.ours and not owner.empty:
        raise NotADatabase(path, "is the database of another program")
    return Finding("ok", f"{path}, {path.stat().st_size:,} bytes")


def modes(settings: Settings) -> Finding:
    """Whether others on this machine are kept from reading the store."""
    if os.name != "posix":
        return Finding("ok", "kept by the user's profile")
    open_to_others = [
        f"chmod {wanted:o} {path}"
        for path, wanted in (
            (settings.home, PRIVATE_FOLDER),
            (settings.db, PRIVATE_FILE),
        )
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & OTHERS
    ]
    if open_to_others:
        return Finding("warn", "others can read your memories", "; ".join(open_to_others))
    return Finding("ok", "private" if settings.db.exists() else NOT_MADE)


def schema(settings: Settings) -> Finding:
    """Whether this version can write the store."""
    if not _readable(settings.db):
        return Finding("ok", NOT_MADE)
    with checkup.opened(settings.db) as db:
        found = checkup.ownership(db).schema
    if found > migrations.LATEST:
        raise NewerSchema(settings.db, found, migrations.LATEST)
    if found < migrations.LATEST:
        return Finding("ok", f"{found}; the next start makes {migrations.LATEST} of it, and a copy")
    return Finding("ok", str(found))


def integrity(settings: Settings) -> Finding:
    """Whether SQLite finds the file sound."""
    if not _readable(settings.db):
        return Finding("ok", NOT_MADE)
    with checkup.opened(settings.db) as db:
        damage = checkup.damage(db)
    if damage:
        remedy = "Go back to a backup: they lie beside the file, *.backup."
        return Finding("fail", f"damaged: {'; '.join(damage)}", remedy)
    return Finding("ok", "quick_check passed")


def writing(settings: Settings) -> Finding:
    """Whether a write reaches the disk."""
    if not _readable(settings.db):
        return _probe_folder(settings.db.parent)
    # Looked at before it is opened for writing, which would switch a foreign file to WAL.
    with checkup.opened(settings.db) as db:
        owner = checkup.ownership(db)
    if not owner.ours:
        return Finding("ok", "not tried: the file holds nothing of ours")
    if owner.schema > migrations.LATEST:
        raise NewerSchema(settings.db, owner.schema, migrations.LATEST)
    with checkup.opened(settings.db, writer=True) as db:
        checkup.probe_write(db)
    return Finding("ok", "a row was written and taken back")


def quota(settings: Settings) -> Finding:
    """How much is stored, and how much the settings allow."""
    if not _readable(settings.db):
        return Finding("ok", NOT_MADE)
    namespace = settings.scope().namespace
    with checkup.opened(settings.db) as db:
        if not checkup.ownership(db).ours:
            return Finding("ok", "not looked at: the file holds nothing of ours")
        held, bytes_held = _held(db, namespace), overview.used_bytes(db)
        used = quotas.use(db, namespace, limits_of(settings))
    if not used:
        return Finding("ok", f"{held:,} memories in {namespace}, {bytes_held:,} bytes; no limit")
    found = "; ".join(map(str, used))
    if any(one.used >= NEARLY_FULL_SHARE * one.limit for one in used):
        remedy = "`tmws-mcp memories consolidate` shows what can be archived; or raise the limit."
        return Finding("warn", found, remedy)
    return Finding("ok", found)


def _held(db: Connection, namespace: str) -> int:
    ns = namespaces.find(db, namespace)
    return 0 if ns is None else overview.totals(db, ns).memories


def scope(settings: Settings) -> Finding:
    """Which namespace a call works on that names none."""
    chosen = settings.scope()
    where = {
        "setting": "TMWS_NAMESPACE",
        "project": f"the project {settings.project}",
        "default": "no project was found here",
    }[chosen.source]
    also = f", recalled with {', '.join(chosen.also)}" if chosen.also else ""
    return Finding("ok", f"{chosen.namespace} ({where}){also}{_known(settings.db)}")


def patterns(settings: Settings) -> Finding:
    """Whether every pattern file can be used."""
    from tmws_mcp.cli.patterns import folders  # noqa: PLC0415 - imports yaml and re2
    from tmws_mcp.patterns.catalog import load_catalog  # noqa: PLC0415 - see above

    catalog = load_catalog(folders(settings))
    if catalog.problems:
        listed = "; ".join(str(problem) for problem in catalog.problems)
        return Finding(
            "warn",
            f"{len(catalog.patterns)} usable, {len(catalog.problems)} not: {listed}",
            "Mend the files; `tmws-mcp patterns check` tells more.",
        )
    return Finding("ok", f"{len(catalog.patterns)} usable")


def upstream(settings: Settings) -> Finding:
    """Whether the file of other servers can be used; none is started."""
    if settings.upstream is None:
        return Finding("ok", "none configured")
    configured = read_servers(settings.upstream)
    listed = f"{len(configured.servers)} configured"
    if configured.problems:
        problems = "; ".join(map(str, configured.problems))
        return Finding("warn", f"{listed}, others not: {problems}", "Mend TMWS_UPSTREAM's file.")
    names = ", ".join(configured.servers)
    return Finding("ok", f"{listed}: {names}" if names else listed)


def installed(_: Settings) -> Finding:
    """Whether what installed packages add can be used; each of them is imported."""
    names = [f"{name} ({group})" for group in plugins.GROUPS for name in plugins.installed(group)]
    for name in plugins.usable(plugins.ACTIONS, {*ACTIONS, *STATE_ACTIONS, *CONFIGURED_ACTIONS}):
        with suppress(PluginBroken):
            loaded_action(name)
    experts()
    if problems := plugins.problems():
        return Finding("warn", "; ".join(problems), "Mend, update or remove the package.")
    return Finding("ok", ", ".join(names) or "no package adds anything")


def redis(settings: Settings) -> Finding:
    """Whether the Redis for federation answers, where one is set."""
    if not settings.redis_url:
        return Finding("ok", "not set: this instance works alone")
    import redis as library  # noqa: PLC0415 - only who shares needs it

    shown = without_password(settings.redis_url)
    try:
        client = library.Redis.from_url(
            settings.redis_url,
            socket_timeout=REDIS_SECONDS_MAX,
            socket_connect_timeout=REDIS_SECONDS_MAX,
            retry=None,
        )
        with client:
            policy = str(client.info("memory").get("maxmemory_policy", KEEPS_ALL))
    except (library.RedisError, ValueError, OSError) as error:
        problem = str(error).replace(settings.redis_url, shown)
        remedy = "Start it, or mend TMWS_REDIS_URL; until then this instance works alone."
        return Finding("warn", f"{shown} does not answer: {problem}", remedy)
    if policy != KEEPS_ALL:
        remedy = f"Set its maxmemory-policy to {KEEPS_ALL}: what it drops has to be sent again."
        return Finding("warn", f"{shown} answers, and drops keys when full ({policy})", remedy)
    return Finding("ok", f"{shown} answers")


def without_password(url: str) -> str:
    """Return host, port and path of a URL, without user and password.

    >>> without_password("redis://ada:secret@example.org:6379/0")
    'redis://example.org:6379/0'
    """
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


CHECKS: Mapping[str, Check] = {
    "python": python,
    "sqlite": sqlite,
    "vectors": vectors,
    "embedder": embedder,
    "store": store,
    "modes": modes,
    "schema": schema,
    "integrity": integrity,
    "write": writing,
    "quota": quota,
    "namespace": scope,
    "patterns": patterns,
    "upstream": upstream,
    "plugins": installed,
    "redis": redis,
}


def _readable(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _probe_folder(folder: Path) -> Finding:
    """Try to write where the store will be: its folder, or the nearest one that exists."""
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=existing) as file:
            file.write(b"probe")
    except OSError as error:
        remedy = "Make it writable, or name another folder with TMWS_HOME or TMWS_DB."
        return Finding("fail", f"{existing} cannot be written ({error.strerror})", remedy)
    return Finding("ok", f"{existing} can be written")


def _vectors_made(path: Path, embedder_id: str) -> str:
    """Tell how many memories have this embedder's vector, where some have not."""
    if not _readable(path):
        return ""
    try:
        with checkup.opened(path) as db:
            if not checkup.ownership(db).ours:
                return ""
            done, wanted = embedders.progress(db, embedder_id)
    except StoreError:  # the checks of the store say what is wrong with it
        return ""
    return f"; {done:,} of {wanted:,} memories have its vectors" if done < wanted else ""


def _known(path: Path) -> str:
    if not _readable(path):
        return ""
    try:
        with checkup.opened(path) as db:
            if not checkup.ownership(db).ours:
                return ""
            names = namespaces.names(db)
    except StoreError:  # the checks of the store say what is wrong with it
        return ""
    shown = ", ".join(names[:NAMESPACES_SHOWN_MAX])
    more = f" and {len(names) - NAMESPACES_SHOWN_MAX} more" if names[NAMESPACES_SHOWN_MAX:] else ""
    return f"; the store knows {shown}{more}" if names else ""
