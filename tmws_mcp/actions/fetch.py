"""Reading from the web: GET, from hosts that the settings name, and from nowhere else.

A name is looked up once, what it stands for is checked, and that very address is connected to: a
name that stands for this machine or its neighbours (now, or at a second look) leads nowhere. The
certificate is still checked against the name.
"""

import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urljoin, urlsplit

import anyio
from pydantic import JsonValue

from tmws_mcp.actions.action import Action, Workspace, only
from tmws_mcp.errors import ActionError
from tmws_mcp.model import JsonObject

if TYPE_CHECKING:
    import httpx2

NAME = "http.get"
SECONDS_MAX = 10.0
BYTES_MAX = 2**20
URL_CHARS_MAX = 4_000
REDIRECTS_MAX = 3
PARAMS_MAX = 30
NEARBY = "near:"
"""Before a host of the settings: it may stand for this machine or a private network."""
PORTS = {"http": 80, "https": 443}
TEXTUAL = ("text/", "application/json", "application/xml", "application/yaml")
FOUND, MULTIPLE = 200, 300
REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Target:
    """A URL in parts, and the address that its host stands for."""

    url: str
    host: str
    port: int
    address: str = ""


def http_get(hosts: Sequence[str]) -> Action:
    """Return the action for the hosts that the settings allow."""

    async def run(arguments: JsonObject, where: Workspace) -> JsonValue:
        del where
        only(arguments, "url", "params")
        url = _url(arguments)
        try:
            with anyio.fail_after(SECONDS_MAX):
                return await _get(url, hosts)
        except TimeoutError as error:
            host = urlsplit(url).hostname
            raise ActionError(f"{host} did not answer within {SECONDS_MAX:g} s.") from error

    return Action(NAME, "Read from a host of TMWS_FETCH_HOSTS", run)


def _url(arguments: JsonObject) -> str:
    """Return the URL with its parameters, which are encoded: a value cannot become a second one."""
    url, params = arguments.get("url"), arguments.get("params", {})
    if not isinstance(url, str) or not isinstance(params, dict) or len(params) > PARAMS_MAX:
        raise ActionError("http.get takes `url`, a text, and `params`, an object of texts.")
    if params:
        encoded = urlencode({name: str(value) for name, value in params.items()})
        url = f"{url}{'&' if '?' in url else '?'}{encoded}"
    if len(url) > URL_CHARS_MAX:
        raise ActionError(f"The URL has more than {URL_CHARS_MAX:,} characters.")
    return url


async def _get(url: str, hosts: Sequence[str]) -> JsonValue:
    import httpx2  # noqa: PLC0415 - for those few patterns that read from the web

    first = target = await checked(url, hosts)
    # No proxy of the environment's: it would look names up by itself.
    async with httpx2.AsyncClient(trust_env=False, timeout=SECONDS_MAX) as client:
        for _ in range(REDIRECTS_MAX + 1):
            try:
                async with client.stream(
                    "GET",
                    _direct(target),
                    headers=_headers(target),
                    extensions={"sni_hostname": target.host},
                ) as reply:
                    if reply.status_code not in REDIRECTS:
                        return await _read(reply, target)
                    where = reply.headers.get("location", "")
            except httpx2.HTTPError as error:
                said = f"{target.host} cannot be read: {type(error).__name__}."
                raise ActionError(said) from error
            target = await checked(urljoin(target.url, where), hosts)
            if target.host != first.host:
                raise ActionError(f"{first.host} sends on to {target.host}; that is not followed.")
    raise ActionError(f"{first.host} sends on more than {REDIRECTS_MAX} times.")


async def checked(url: str, hosts: Sequence[str]) -> Target:
    """Return a URL whose host is allowed, with the address to connect to.

    Raises:
        ActionError: It is not allowed, or stands for an address that is not.
    """
    target = _parts(url)
    near = _named(target, [host.removeprefix(NEARBY) for host in hosts if host.startswith(NEARBY)])
    if not near and not _named(target, hosts):
        raise ActionError(
            f"Nothing is read from {target.host}:{target.port}. To allow it, a person adds it to "
            "TMWS_FETCH_HOSTS."
        )
    addresses = await _addresses(target)
    if not near and (private := [one for one in addresses if not ip_address(one).is_global]):
        raise ActionError(
            f"{target.host} stands for {private[0]}, an address of this machine or a private "
            f"network; to allow that, write {NEARBY}{target.host} in TMWS_FETCH_HOSTS."
        )
    return Target(target.url, target.host, target.port, addresses[0])


def _parts(url: str) -> Target:
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise ActionError(f"The URL cannot be read: {error}.") from error
    if parts.scheme not in PORTS or not host or "\\" in url or not url.isprintable():
        raise ActionError("The URL must begin with http:// or https:// and a host.")
    if "@" in parts.netloc:
        raise ActionError("The URL holds a user or a password, which are not sent.")
    return Target(url, host, port or PORTS[parts.scheme])


def _named(target: Target, hosts: Sequence[str]) -> bool:
    """Whether the settings name the host, with the port where it is not the usual one."""
    shown = f"[{target.host}]" if ":" in target.host else target.host
    usual = target.port in PORTS.values()
    allowed = {host.lower() for host in hosts}
    return f"{shown}:{target.port}" in allowed or (usual and shown in allowed)


async def _addresses(target: Target) -> list[str]:
    try:
        found = await anyio.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ActionError(f"{target.host} is not known to the name service.") from error
    return [str(entry[4][0]).partition("%")[0] for entry in found]


def _direct(target: Target) -> str:
    """Return the URL with the checked address in place of the host."""
    parts = urlsplit(target.url)
    address = f"[{target.address}]" if ":" in target.address else target.address
    return parts._replace(netloc=f"{address}:{target.port}", fragment="").geturl()


def _headers(target: Target) -> dict[str, str]:
    usual = target.port == PORTS[urlsplit(target.url).scheme]
    shown = f"[{target.host}]" if ":" in target.host else target.host
    return {
        "host": shown if usual else f"{shown}:{target.port}",
        "accept": "application/json, text/*;q=0.9",
        # A few compressed bytes can stand for gigabytes.
        "accept-encoding": "identity",
        "user-agent": "tmws-mcp",
    }


async def _read(reply: "httpx2.Response", target: Target) -> JsonValue:
    if not FOUND <= reply.status_code < MULTIPLE:
        raise ActionError(f"{target.host} answers {reply.status_code}.")
    kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not kind.startswith(TEXTUAL) and not kind.endswith(("+json", "+xml")):
        raise ActionError(f"{target.host} answers with {kind or 'no type'}, which is no text.")
    if reply.headers.get("content-encoding", "identity") != "identity":
        raise ActionError(f"{target.host} compresses its answer, which was not asked for.")
    body = bytearray()
    async for chunk in reply.aiter_raw():
        body += chunk
        if len(body) > BYTES_MAX:
            raise ActionError(f"{target.host} answers with more than {BYTES_MAX:,} bytes.")
    text = body.decode(reply.charset_encoding or "utf-8", "replace")
    return {"from": target.host, "answered": _value(text, kind)}


def _value(text: str, kind: str) -> JsonValue:
    if "json" not in kind:
        return text
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value
