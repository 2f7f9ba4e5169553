"""Remembering and recalling: what is stored, how it is found again, and how much of it is shown."""
