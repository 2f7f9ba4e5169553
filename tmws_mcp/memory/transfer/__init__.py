"""Memories on their way in and out of a store."""
