"""The token that a command sends to a server at a URL.

It comes from the environment or from a file that the environment names, never from an argument:
every user of the machine reads the arguments of a process, and shells keep them.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from tmws_mcp.errors import InvalidInput

VARIABLE, FILE_VARIABLE = "TMWS_TOKEN", "TMWS_TOKEN_FILE"
TOKEN_CHARS_MAX = 4_096
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
REMEDY = f"Set {VARIABLE}, or {FILE_VARIABLE} to a file that holds it and nothing else."


def bearer_headers(url: str, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the headers that name the caller to a server; none where there is no token.

    >>> bearer_headers("https://tmws.example/mcp", {"TMWS_TOKEN": "tmws_abc"})
    {'Authorization': 'Bearer tmws_abc'}

    Raises:
        InvalidInput: There is a token that cannot be used, or that others on the way would read.
    """
    token = _token(os.environ if environ is None else environ)
    if not token:
        return {}
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise InvalidInput(
            f"The token is not sent to {parts.hostname} over {parts.scheme or 'no scheme'}: all on "
            "the way could read it. Use https, or a tunnel to the loopback address (ssh -L), or "
            f"unset {VARIABLE} and {FILE_VARIABLE}."
        )
    return {"Authorization": f"Bearer {token}"}


def _token(environ: Mapping[str, str]) -> str:
    token, path = environ.get(VARIABLE, "").strip(), environ.get(FILE_VARIABLE, "")
    name = VARIABLE if token else f"{FILE_VARIABLE} ({path})"
    if not token and path:
        token = _read(path)
    if token and not _is_one_word(token):
        raise InvalidInput(f"{name} holds no token: it is one word of printable ASCII.")
    return token


def _read(path: str) -> str:
    """Return what a file holds, as far as a token can go."""
    try:
        with Path(path).expanduser().open(encoding="utf-8") as file:
            text = file.read(TOKEN_CHARS_MAX + 1).strip()
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{FILE_VARIABLE}: {path!r} cannot be read: {error}.") from error
    if not text:
        raise InvalidInput(f"{FILE_VARIABLE}: {path!r} is empty.")
    return text


def _is_one_word(token: str) -> bool:
    is_ascii = token.isascii() and token.isprintable() and " " not in token
    return is_ascii and len(token) <= TOKEN_CHARS_MAX
