"""Personas: how an agent goes about a kind of work, as files."""
