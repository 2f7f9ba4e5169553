"""What the product does: one method for each tool."""

from tmws_mcp.engine.engine import Engine
from tmws_mcp.engine.life import open_engine

__all__ = ["Engine", "open_engine"]
