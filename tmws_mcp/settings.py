"""Every knob, once; nothing else reads the environment.

A setting comes from the environment (`TMWS_HOME`), else from the YAML file that `TMWS_CONFIG`
names (`home: …`), else from its default here. docs/reference/settings.md is made from this class.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from tmws_mcp.errors import FileError, NotAllowed, SettingsError
from tmws_mcp.model import Namespace, Scope, ScopeSource
from tmws_mcp.model.base import Name
from tmws_mcp.places import default_home
from tmws_mcp.project import checkout_of, project_namespace, repository_of, working_folder

PREFIX = "TMWS_"
MAY_BE_EMPTY = frozenset({"user_namespace"})
# All that a command of ours gets to see: where programs and the user's own settings lie.
COMMAND_ENVIRONMENT = (
    *("PATH", "HOME", "USERPROFILE", "HOMEDRIVE", "HOMEPATH", "XDG_CONFIG_HOME", "APPDATA"),
    *("SYSTEMROOT", "COMSPEC", "PATHEXT", "TMPDIR", "TEMP", "TMP"),
)


def _split(value: object) -> object:
    """Accept `a:b` (`a;b` on Windows), as PATH does, for a list of folders."""
    return tuple(p for p in value.split(os.pathsep) if p) if isinstance(value, str) else value


def _words(value: object) -> object:
    """Accept `a, b` for a list whose items may hold colons."""
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


def _listed(value: object) -> object:
    """Accept `a,b` for a list."""
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _absolute(value: object) -> object:
    return Path(value).expanduser().absolute() if isinstance(value, str | Path) else value


def _known_embedder(value: object) -> object:
    """Refuse a bare word that is no embedder: a slip must show at the start, not in the answers."""
    if value in ("static", "none") or (isinstance(value, str) and ":" in value):
        return value
    raise ValueError("write static, none, or kind:which, as in onnx:/path")


Folder = Annotated[Path, BeforeValidator(_absolute)]


def command_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment for a command: no token, key or password of the server's is in it."""
    environ = os.environ if environ is None else environ
    return {name: environ[name] for name in COMMAND_ENVIRONMENT if name in environ}


class Settings(BaseModel):
    """What the user may choose. Each field is the environment's `TMWS_` name in lower case."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Folder = Field(description="Data folder, made with mode 0700.")
    db: Folder = Field(description="The store's file, mode 0600. Default: `tmws.db` in the home.")
    namespace: Namespace = Field(
        "", description="Namespace of calls that name none. Default: one for each project."
    )
    namespaces: Annotated[tuple[Namespace, ...], BeforeValidator(_listed)] = Field(
        (),
        description="The only namespaces that this server works on, divided by commas; the first "
        "is that of calls that name none. Default: all.",
    )
    user_namespace: Namespace = Field(
        "user", description="Namespace recalled along with every other; empty: none."
    )
    persona: Name = Field(
        "",
        description="Who works here: persona of memories stored without one, and whose "
        "[preferences](../guides/personas.md) count.",
    )
    persona_dirs: Annotated[tuple[Folder, ...], BeforeValidator(_split)] = Field(
        (), description="More folders of persona files; later ones win."
    )
    pattern_dirs: Annotated[tuple[Folder, ...], BeforeValidator(_split)] = Field(
        (), description="More folders of pattern files, searched recursively, later ones win."
    )
    register_pattern: bool = Field(
        default=False,
        description="Lists the tool `register_pattern`; it writes to `home`/patterns.",
    )
    workspace: Folder | None = Field(
        None,
        description="The folder that workspace actions may look at. Default: the project's.",
    )
    mask_secrets: bool = Field(
        default=False, description="Masks secrets in memories before they are stored."
    )
    embedder: Annotated[str, BeforeValidator(_known_embedder)] = Field(
        "static",
        description="`static`: the model in the package. `none`: words alone. Others: "
        "[embedders](../guides/embedders.md).",
    )
    embedder_key: str = Field(
        "", description="Key of an HTTP embedder; sent to it alone, never logged.", repr=False
    )
    embedder_download: bool = Field(
        default=False, description="Lets model2vec and fastembed fetch a model that they lack."
    )
    redis_url: str = Field(
        "",
        description="Redis for federation and shared answers; empty: this instance works alone.",
        repr=False,
    )
    cache_place: Name = Field(
        "",
        description="Instances that name the same place share through Redis what other servers "
        "and the web answered. Default: this host.",
    )
    federation_namespaces: Annotated[tuple[Namespace, ...], BeforeValidator(_listed)] = Field(
        (),
        description="Namespaces whose learned patterns are shared over Redis, divided by commas.",
    )
    federation_keys: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(
        (),
        max_length=4,
        description="Secret of the team, at least 16 characters; after a comma older ones that are "
        "still believed.",
        repr=False,
    )
    federation_seal: str = Field(
        "",
        description="Secret that hides what is counted from the hub; never changed. Default: the "
        "last of the keys.",
        repr=False,
    )
    federation_group: Name = Field(
        "",
        pattern=r"^[A-Za-z0-9_.-]*$",
        description="Group of this instance, where more than fifty share a namespace: instances of "
        "one group share with each other, and by bridges with the other groups.",
    )
    federation_bridge: bool = Field(
        default=False,
        description="This instance carries between its group and the others: one of each group.",
    )
    federation_trust: Literal["team", "open"] = Field(
        "team",
        description="`team`: what one instance learns, all know. `open`: only what three have seen,"
        " or this one itself.",
    )
    federation_deny: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(
        (),
        max_length=100,
        description="Names of tools that stay here, divided by commas; `*` stands for any text.",
    )
    federation_load: float = Field(
        0.05,
        gt=0.0,
        le=1.0,
        description="Share of the time that sharing may take while there is much to share; what "
        "comes after a pause goes at once all the same. More: quicker, at the tools' cost.",
    )
    observe_executions: bool = Field(
        default=True, description="Counts executions of patterns as observations."
    )
    hook_tokens: int = Field(
        200,
        ge=0,
        le=2_000,
        description="Tokens that a [hook](../guides/hooks.md) may bring into the agent's context; "
        "0: none.",
    )
    steps_days: int = Field(
        180, ge=0, le=36_500, description="Observed steps are kept for so long; 0: no limit."
    )
    sessions_days: int = Field(
        365, ge=0, le=36_500, description="Sessions are kept for so long; 0: no limit."
    )
    durability: Literal["normal", "full"] = Field(
        "normal", description="`full`: a power cut loses no acknowledged write (slower)."
    )
    memories_max: int = Field(
        0, ge=0, description="Memories that a namespace may hold, archived ones apart; 0: any."
    )
    store_bytes_max: int = Field(
        0, ge=0, description="Bytes of the store beyond which nothing is stored; 0: any."
    )
    retention_episodic_days: int = Field(
        0, ge=0, description="Older episodic memories are archived, never deleted; 0: none."
    )
    retention_semantic_days: int = Field(0, ge=0, description="The same for semantic ones.")
    retention_procedural_days: int = Field(0, ge=0, description="The same for procedural ones.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = Field(
        "WARNING", description="What is logged to stderr."
    )
    otlp_url: str = Field("", description="Traces go there by OTLP: `http://HOST:4318/v1/traces`.")
    http_host: str = Field("127.0.0.1", description="Address of the HTTP transports.")
    http_port: int = Field(8931, ge=0, le=65535, description="Their port; 0: any free one.")
    http_workers: int = Field(
        1,
        ge=1,
        le=64,
        description="Processes that serve; see [operations](../guides/operations.md).",
    )
    http_drain_seconds: float = Field(
        5, ge=0, le=600, description="At the end calls at work may take so long; then they are cut."
    )
    http_names: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(
        (),
        description="More names under which clients reach it, divided by commas; `name:port` where "
        "the port is another one.",
    )
    http_origins: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(
        (), description="Web pages that may call it, as in `https://app.example.org`."
    )
    http_tokens: bool = Field(
        default=False,
        description="Asks every caller for a [token](../guides/http.md#tokens). Always so where it "
        "listens on another address than the loopback, or has `TMWS_HTTP_NAMES`.",
    )
    http_per_minute: int = Field(
        600, ge=0, le=100_000, description="Requests a minute with one token; 0: any number."
    )
    http_sse: bool = Field(
        default=False, description="Serves `/sse` beside `/mcp`, for clients of the 2024 revision."
    )
    http_sessions_max: int = Field(
        1_000, ge=1, le=100_000, description="MCP sessions open at once (revisions up to 2025)."
    )
    http_session_idle_seconds: float = Field(
        1_800, gt=0, le=86_400, description="A session that is not used for so long is ended."
    )
    commands: Annotated[tuple[str, ...], BeforeValidator(_split)] = Field(
        (),
        description="Programs that patterns may run, separated as in PATH; `*`: any. None by "
        "default ([commands](../guides/commands.md)).",
    )
    command_folders: Annotated[tuple[Folder, ...], BeforeValidator(_split)] = Field(
        (), description="Where they may run, and what paths may name. Default: the workspace."
    )
    command_seconds_max: float = Field(
        30, gt=0, le=3600, description="A program that runs longer is killed."
    )
    fetch_hosts: Annotated[tuple[str, ...], BeforeValidator(_words)] = Field(
        (),
        description="Hosts (`host` or `host:port`, separated by commas) that patterns may read "
        "from by `http.get`; `near:host` may be this machine or a private network.",
    )
    upstream: Folder | None = Field(
        None,
        description="File with an `mcpServers` object, as in Claude Desktop's configuration: "
        "servers whose tools patterns may call ([other servers](../guides/upstream.md)).",
    )
    upstream_seconds_max: float = Field(
        30, gt=0, le=3600, description="A call of another server's tool that takes longer fails."
    )
    upstream_start_seconds_max: float = Field(
        30, gt=0, le=3600, description="Another server that takes longer to start is ended."
    )
    upstream_idle_seconds: float = Field(
        300, gt=0, le=86_400, description="Another server that is not used for so long is ended."
    )
    upstream_calls_max: int = Field(
        4, ge=1, le=100, description="Calls at once to each other server; more wait their turn."
    )
    upstream_trust_hints: bool = Field(
        default=False,
        description="Believes other servers which of their tools only read; answers of such are "
        "kept.",
    )
    alert_p95_warning_ms: float = Field(
        200, gt=0, description="Alert where one in twenty runs of a pattern takes longer."
    )
    alert_p95_critical_ms: float = Field(300, gt=0, description="The same, critical.")
    alert_hit_rate_warning: float = Field(
        0.8, ge=0, le=1, description="Alert where less of what is asked again is still kept."
    )
    alert_hit_rate_critical: float = Field(0.7, ge=0, le=1, description="The same, critical.")
    alert_failed_share: float = Field(
        0.05, ge=0, le=1, description="Alert where more of a pattern's runs fail."
    )
    alert_connections_busy: float = Field(
        0.8, gt=0, le=1, description="Alert where the store's connections are busier."
    )
    calls_max: int = Field(
        32, ge=1, le=1000, description="Tool calls at work at once; more wait their turn."
    )
    call_seconds_max: float = Field(
        60, gt=0, le=3600, description="A tool call that takes longer is stopped."
    )
    project: Folder | None = Field(
        None, description="The project's folder. Default: `CLAUDE_PROJECT_DIR`, else the git root."
    )

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, *, cwd: Path | None = None) -> Self:
        """Read the settings from the environment and the file that `TMWS_CONFIG` names.

        Raises:
            SettingsError: A setting is unknown or has a value that cannot be used.
        """
        environ = os.environ if environ is None else environ
        chosen = _from_file(environ) | _from_environment(environ, set(cls.model_fields))
        home = Path(str(chosen.setdefault("home", default_home(environ))))
        chosen.setdefault("db", home.expanduser() / "tmws.db")
        checkout = checkout_of(environ, cwd or working_folder())
        if checkout and "project" not in chosen:
            # Memories are the repository's; what is looked at is the checkout that one works in.
            chosen.setdefault("workspace", checkout)
            chosen["project"] = repository_of(checkout)
        try:
            return cls.model_validate(chosen)
        except ValidationError as error:
            raise SettingsError(_problems(error)) from error

    def scope(self, namespace: str = "") -> Scope:
        """Return the namespace that a call without or with the given one works on.

        Raises:
            NotAllowed: It is none of `namespaces`.
        """
        name, source = self._chosen(namespace)
        if self.namespaces and name not in self.namespaces:
            raise NotAllowed(
                f"Namespace {name!r} is not open to this caller. Use one of "
                f"{', '.join(self.namespaces)}."
            )
        return Scope(namespace=name, source=source, also=self._also(name), within=self.namespaces)

    def _chosen(self, namespace: str) -> tuple[str, ScopeSource]:
        if namespace:
            return namespace, "argument"
        if self.namespace:
            return self.namespace, "setting"
        if self.namespaces:
            return self.namespaces[0], "setting"
        if self.project:
            return project_namespace(self.project), "project"
        return "default", "default"

    def _also(self, namespace: str) -> tuple[str, ...]:
        """Return what is recalled along with it, of what may be."""
        others = {self.user_namespace} - {namespace, ""}
        return tuple(sorted(others & set(self.namespaces) if self.namespaces else others))


def _from_environment(environ: Mapping[str, str], known: set[str]) -> dict[str, Any]:
    """An empty variable counts as unset, except where being empty is a choice."""
    named = {key.removeprefix(PREFIX).lower(): key for key in environ if key.startswith(PREFIX)}
    return {
        name: environ[key]
        for name, key in named.items()
        if name in known and (environ[key] or name in MAY_BE_EMPTY)
    }


def _from_file(environ: Mapping[str, str]) -> dict[str, Any]:
    if not (path := environ.get(f"{PREFIX}CONFIG")):
        return {}
    from tmws_mcp.yamlfile import read_mapping  # noqa: PLC0415 - few need it, and it costs a start

    try:
        return read_mapping(Path(path))
    except FileError as error:
        raise SettingsError(f"{PREFIX}CONFIG: {error}") from error


def _problems(error: ValidationError) -> str:
    """Name each setting as the user wrote it; values may be secrets and are not repeated."""
    lines = [f"{PREFIX}{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()]
    return "Settings that cannot be used: " + "; ".join(lines)
