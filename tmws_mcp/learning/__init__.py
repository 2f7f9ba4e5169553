"""Observations -> learned patterns -> recommendations."""
