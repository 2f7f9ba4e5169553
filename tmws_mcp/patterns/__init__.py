"""Authored patterns: YAML files that say when they are meant and what is then to be done."""
