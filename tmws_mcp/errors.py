"""Every error that tmws_mcp raises on purpose.

    TmwsError                      says what is wrong, with the value, and what to do next
    ├── InvalidInput               the caller's arguments cannot be used
    │   ├── InvalidNamespace
    │   └── TooLarge               an input is over its limit
    ├── NotFound                   no such memory, pattern or learned pattern
    │   └── PatternNotFound
    ├── NotAllowed                 the caller's token does not allow it
    ├── TooOften                   the caller asked more often than its token may
    ├── SettingsError              a setting cannot be used
    ├── FileError                  a YAML or JSON file cannot be read
    │   ├── PatternFileError
    │   └── PersonaFileError
    ├── StoreError                 the store cannot do its work
    │   ├── NotADatabase
    │   ├── StoreNotWritable
    │   ├── StoreFull
    │   ├── StoreBusy
    │   ├── StoreCorrupt
    │   ├── StoreMoved
    │   ├── StoreInUse
    │   ├── QuotaReached
    │   └── NewerSchema
    ├── EmbedderUnavailable        no vectors: the lexical tier answers
    │   └── EmbedderAway           none for now: it is asked again
    ├── FederationOff              nothing is shared, and why
    ├── HubNotReached              the Redis between the instances does not answer
    ├── RegexesUnavailable         RE2 is not there: no pattern can be matched
    ├── ActionError                an infrastructure step could not do its work
    │   ├── ToolUnreachable        no tool of another server can be called under that name
    │   └── PluginBroken           what an installed package adds cannot be used
    ├── NothingRan                 no part of a pattern could be run
    └── Overloaded                 too many calls at once, or one that takes too long

The messages are read by models and by people: one sentence on what is wrong, one on what to do.
"""

from pathlib import Path


class TmwsError(Exception):
    """What every caller may catch."""


class InvalidInput(TmwsError):
    """The caller's arguments cannot be used."""


class InvalidNamespace(InvalidInput):
    """A namespace's name is malformed."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Namespace {name[:80]!r} is malformed. Use 1 to 80 characters out of a-z, 0-9, "
            "'.', '_', '-', '/', beginning and ending with a letter or a digit."
        )


class TooLarge(InvalidInput):
    """An input is over its limit."""

    def __init__(self, what: str, size: int, limit: int, unit: str, *, remedy: str) -> None:
        super().__init__(f"{what} has {size:,} {unit}, the limit is {limit:,}. {remedy}")


class NotFound(TmwsError):
    """What was asked for by its id is not there."""

    def __init__(self, what: str, name: str, *, remedy: str) -> None:
        super().__init__(f"There is no {what} {name[:120]!r}. {remedy}")


class PatternNotFound(NotFound):
    """No pattern has that id, or matches that query."""

    def __init__(self, name: str, *, closest: tuple[str, ...] = (), what: str = "pattern") -> None:
        remedy = (
            f"Closest patterns: {', '.join(closest)}."
            if closest
            else 'pattern_execute(query="list patterns") lists them all.'
        )
        super().__init__(what, name, remedy=remedy)


class NotAllowed(TmwsError):
    """The caller may not do this, or not here."""


class TooOften(TmwsError):
    """The caller has asked more often than it may."""

    def __init__(self, per_minute: int, wait_seconds: float) -> None:
        self.wait_seconds = wait_seconds
        super().__init__(
            f"This token may ask {per_minute:,} times a minute. Wait {wait_seconds:.0f} s."
        )


class SettingsError(TmwsError):
    """A setting cannot be used."""


class FileError(TmwsError):
    """A file cannot be read; the message names the file and, where known, line and key."""

    def __init__(self, path: Path | str, problem: str, *, line: int | None = None) -> None:
        self.path, self.problem, self.line = str(path), problem, line
        super().__init__(f"{path}{f':{line}' if line else ''}: {problem}")


class PatternFileError(FileError):
    """A pattern's definition cannot be used."""


class PersonaFileError(FileError):
    """A persona's file cannot be used."""


class StoreError(TmwsError):
    """The store cannot do its work; what was acknowledged before is safe."""


class NotADatabase(StoreError):
    """The store's file holds something else."""

    def __init__(self, path: Path | str, problem: str = "is not a SQLite database") -> None:
        super().__init__(
            f"{path} {problem}; it was left untouched. "
            "Name another file with TMWS_DB, or move this one away."
        )


class StoreNotWritable(StoreError):
    """The store's file or folder cannot be written."""

    def __init__(self, path: Path | str, problem: str) -> None:
        super().__init__(
            f"The store {path} cannot be written ({problem}); nothing was changed. "
            "Make the folder writable, or name another one with TMWS_HOME or TMWS_DB."
        )


class StoreFull(StoreError):
    """No room is left on the store's disk."""

    def __init__(self, path: Path | str) -> None:
        super().__init__(
            f"The disk of {path} is full; this write was not made, earlier ones are safe. "
            "Free some space and try again."
        )


class StoreBusy(StoreError):
    """Another process held the store's write lock for too long."""

    def __init__(self, path: Path | str, waited_seconds: float) -> None:
        super().__init__(
            f"Another process held the write lock of {path} for {waited_seconds:g} s; "
            "this write was not made. Try again."
        )


class StoreCorrupt(StoreError):
    """SQLite found the store's file damaged."""

    def __init__(self, path: Path | str, problem: str) -> None:
        super().__init__(
            f"The store {path} is damaged ({problem}). Run `tmws-mcp doctor`, and go back to a "
            "backup: they lie beside the file."
        )


class StoreMoved(StoreError):
    """The store's file is no longer the one that was opened."""

    def __init__(self, path: Path | str) -> None:
        super().__init__(
            f"The store {path} was moved away or replaced while this server ran; nothing was "
            "changed. Put it back, or restart this server to use what is there now."
        )


class StoreInUse(StoreError):
    """Another process has the store open."""

    def __init__(self, path: Path | str) -> None:
        super().__init__(
            f"Another process has the store {path} open; nothing was changed. Close the clients "
            "and servers that use it, and try again."
        )


class QuotaReached(StoreError):
    """A namespace or the store holds as much as the settings allow."""


class NewerSchema(StoreError):
    """A newer version of tmws_mcp has written the store."""

    def __init__(self, path: Path | str, found: int, known: int) -> None:
        super().__init__(
            f"The store {path} has schema {found}; this version knows up to {known} and does not "
            "write to it. Update tmws-mcp and restart this server."
        )


class EmbedderUnavailable(TmwsError):
    """No vectors can be made; recall goes on with words alone."""

    def __init__(self, problem: str, *, remedy: str) -> None:
        self.problem, self.remedy = problem, remedy
        super().__init__(f"{problem}, so recall uses words alone. {remedy}")


class EmbedderAway(EmbedderUnavailable):
    """The embedder makes no vectors at the moment; it is asked again after a while."""


class FederationOff(TmwsError):
    """Nothing is shared with other instances."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"Nothing is shared here ({why.removeprefix('off: ')}). Set TMWS_REDIS_URL, "
            "TMWS_FEDERATION_NAMESPACES and TMWS_FEDERATION_KEYS, the same on each instance."
        )


class HubNotReached(TmwsError):
    """The Redis between the instances does not answer; what waits is sent once it does."""

    def __init__(self, url: str, problem: str) -> None:
        super().__init__(
            f"The hub {url} does not answer ({problem}). `tmws-mcp doctor` tells more; what was "
            "counted or forgotten here is sent as soon as it does."
        )


class RegexesUnavailable(TmwsError):
    """RE2 cannot be imported; Python's own `re` would let a pattern stall the server."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"Patterns need the package google-re2, which cannot be imported ({problem}). "
            "Install it with `pip install google-re2`; it has no wheel for musl (Alpine): "
            "use a Python built for glibc there. Memory and recommendations work without it."
        )


class ActionError(TmwsError):
    """An infrastructure step could not do its work."""


class ToolUnreachable(ActionError):
    """No tool of another server can be called under that name; nothing was called."""


class PluginBroken(ActionError):
    """What an installed package adds cannot be used."""

    def __init__(self, which: str, why: str) -> None:
        super().__init__(
            f"{which} cannot be used: {why[:300]}. Mend, update or remove the package."
        )


class NothingRan(TmwsError):
    """No part of a pattern could be run."""


class Overloaded(TmwsError):
    """Too many calls at once, or one that took too long."""
