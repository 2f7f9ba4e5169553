"""The HTTP surface: MCP at /mcp, REST at /api/v1, and what operating it needs, in one ASGI app."""
