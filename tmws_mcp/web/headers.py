"""Headers of a request as ASGI gives them, for what looks at each request.

Starlette's `Headers` decode all of them for each that is looked for.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Scope


def header(scope: "Scope", name: bytes) -> str:
    """Return the first header of a name, which is given in lower case; empty if there is none."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return ""
