"""Under which names the server is reached: requests made through any other are refused.

Without this a web page could point a name of its own at this machine and have the user's browser
read and change the memories (DNS rebinding).
"""

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp.server.transport_security import TransportSecuritySettings
from starlette.responses import Response

from tmws_mcp.errors import SettingsError
from tmws_mcp.web.headers import header
from tmws_mcp.web.problems import problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "::1", "localhost")
PROBES = frozenset({"/health/live", "/health/ready"})
"""Asked under any name, such as an address of a container; they tell nobody anything of use."""
MISDIRECTED, FORBIDDEN = 421, 403


@dataclass(frozen=True, slots=True)
class Reach:
    """The values of the headers Host and Origin that are served."""

    hosts: tuple[str, ...]
    origins: tuple[str, ...]

    def security(self) -> TransportSecuritySettings:
        """Return it as the SDK checks it for the MCP routes."""
        return TransportSecuritySettings(
            enable_dns_rebinding_protection=True,
            allowed_hosts=list(self.hosts),
            allowed_origins=list(self.origins),
        )


def reach_of(
    host: str, port: int, *, names: tuple[str, ...] = (), origins: tuple[str, ...] = ()
) -> Reach:
    """Return what is served on an address, under more names and to more web pages if need be.

    Raises:
        SettingsError: It is all addresses of the machine, and no name says which are meant.
    """
    if is_any(host) and not names:
        raise SettingsError(
            f"tmws-mcp was told to listen on all addresses ({host}), and not under which name "
            "clients reach it. Set TMWS_HTTP_NAMES, as in TMWS_HTTP_NAMES=memory.example.org."
        )
    own = _own(host)
    local = tuple(f"{name}:{port}" for name in own)
    named = tuple(f"{name}{at}" for name in names for at in ("", f":{port}"))
    pages = (f"{scheme}://{name}" for name in names for scheme in ("https", "http"))
    return Reach(
        hosts=(*local, *named),
        origins=(*(f"http://{name}" for name in local), *pages, *origins),
    )


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches the address."""
    return host in LOOPBACK


def is_any(host: str) -> bool:
    """Return whether the address stands for all that the machine has."""
    return host in ("", "0.0.0.0", "::")  # noqa: S104 - recognised, to be refused


def _own(host: str) -> tuple[str, ...]:
    if is_any(host):
        return ()
    return ("127.0.0.1", "[::1]", "localhost") if is_loopback(host) else (_in_url(host),)


def _in_url(host: str) -> str:
    try:
        return f"[{host}]" if ipaddress.ip_address(host).version == 6 else host  # noqa: PLR2004
    except ValueError:
        return host


class OnlyKnownNames:
    """Middleware: refuses requests made through a name, or by a web page, that nobody allowed."""

    def __init__(self, app: "ASGIApp", reach: Reach) -> None:
        self._app = app
        self._hosts = frozenset(reach.hosts)
        self._origins = frozenset(("", *reach.origins))

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve a request, or refuse it."""
        free = scope["type"] == "lifespan" or scope["path"] in PROBES
        refused = None if free else self._refused(scope)
        await (refused or self._app)(scope, receive, send)

    def _refused(self, scope: "Scope") -> Response | None:
        if header(scope, b"host") not in self._hosts:
            return problem(MISDIRECTED, "Unknown host", "Name it in TMWS_HTTP_NAMES.")
        if header(scope, b"origin") not in self._origins:
            return problem(FORBIDDEN, "Unknown origin", "Name it in TMWS_HTTP_ORIGINS.")
        return None
