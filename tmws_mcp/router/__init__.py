"""How much of a pattern to run: query, match and mode decide on a route."""
