"""Tools of other MCP servers: started on first use, kept, bounded, and told of."""
