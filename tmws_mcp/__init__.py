"""An MCP server: a memory that lasts, know-how learned from outcomes, one call that answers.

`from tmws_mcp import open_engine` gives a program what the server gives an agent. The engine is
imported on first use, since the command line must answer `initialize` without it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tmws_mcp.engine import Engine, open_engine
    from tmws_mcp.settings import Settings

__all__ = ["Engine", "Settings", "__version__", "open_engine"]
__version__ = "0.1.0"

_HOMES = {
    "Engine": "tmws_mcp.engine",
    "open_engine": "tmws_mcp.engine",
    "Settings": "tmws_mcp.settings",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(name)
