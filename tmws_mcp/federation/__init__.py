"""Learned patterns among instances: docs/decisions/0013 tells the protocol and its reasons."""
