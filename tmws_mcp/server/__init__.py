"""The MCP surface of the engine."""
