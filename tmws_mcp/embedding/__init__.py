"""Text to vector: what an embedder is, and one module for each of them."""
