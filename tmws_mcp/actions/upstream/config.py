"""Which other MCP servers there are: the `mcpServers` object of Claude Desktop's configuration.

The file may be that configuration itself. What clients add for themselves is ignored, and an entry
that is this very server is left out: it would only ask itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic import model_validator as checked

from tmws_mcp.errors import FileError
from tmws_mcp.yamlfile import line_of, read_mapping

KEY = "mcpServers"
SERVERS_MAX = 50
ARGUMENTS_MAX = 100
VARIABLES_MAX = 100
OURSELVES = ("tmws-mcp", "tmws_mcp")

Word = Annotated[str, StringConstraints(max_length=8_000)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,79}$")]


class ServerConfig(BaseModel):
    """How one server is reached: a command to start, or the URL of its streamable HTTP."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    command: Word = ""
    args: Annotated[tuple[Word, ...], Field(max_length=ARGUMENTS_MAX)] = ()
    env: Annotated[dict[Word, Word], Field(max_length=VARIABLES_MAX)] = Field(
        default_factory=dict, repr=False
    )
    cwd: Path | None = None
    url: Word = ""
    headers: Annotated[dict[Word, Word], Field(max_length=VARIABLES_MAX)] = Field(
        default_factory=dict, repr=False
    )
    type: Word = ""
    disabled: bool = False

    @property
    def is_ourselves(self) -> bool:
        """Whether the command starts this server."""
        words = (Path(self.command).name, *self.args)
        return any(word.startswith(OURSELVES) for word in words)

    @checked(mode="after")
    def _has_one_way(self) -> Self:
        if bool(self.command) == bool(self.url):
            raise ValueError("needs either a command or a url")
        if self.type == "sse":
            raise ValueError("HTTP+SSE is not spoken; give the url of its streamable HTTP")
        if self.url and not self.url.startswith(("http://", "https://")):
            raise ValueError("the url must begin with http:// or https://")
        return self


@dataclass(frozen=True, slots=True)
class Configured:
    """The servers of a file by name, and what is wrong with those that are left out."""

    servers: Mapping[str, ServerConfig]
    problems: tuple[FileError, ...] = ()


def read_servers(path: Path) -> Configured:
    """Return the servers that a file configures; one that cannot be used takes no other with it.

    Raises:
        FileError: The file cannot be read, or holds no `mcpServers`.
    """
    found = read_mapping(path).get(KEY)
    if not isinstance(found, dict):
        raise FileError(path, f"must hold the object {KEY!r}: each server by its name")
    if len(found) > SERVERS_MAX:
        raise FileError(path, f"{KEY}: more than {SERVERS_MAX} servers")
    servers: dict[str, ServerConfig] = {}
    problems: list[FileError] = []
    for name, given in found.items():
        try:
            server = _server(name, given)
        except ValidationError as error:
            problem = f"{KEY}.{name}: {_said(error)}"
            problems.append(FileError(path, problem, line=line_of(path, (KEY, str(name)))))
            continue
        if not (server.disabled or server.is_ourselves):
            servers[name] = server
    return Configured(servers, tuple(problems))


class _Entry(BaseModel):
    name: Name
    server: ServerConfig


def _server(name: Any, given: Any) -> ServerConfig:
    return _Entry.model_validate({"name": name, "server": given}).server


def _said(error: ValidationError) -> str:
    """Say what is wrong without the values: they may be secrets."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"][1:])
    said = str(first["msg"]).removeprefix("Value error, ")
    return f"{place}: {said}" if place else said
