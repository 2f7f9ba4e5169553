"""How many tokens one call of pattern_execute saves against the calls that it stands for."""
