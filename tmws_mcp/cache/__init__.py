"""Answers kept for a while, under keys that a write makes obsolete."""
