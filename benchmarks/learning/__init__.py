"""How right are the recommendations? Measured on traces of agents given by path (traces.py)."""
