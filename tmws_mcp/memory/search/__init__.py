"""How memories are found: the index, the candidates, the signals, the rank."""
