"""The steps of the schema: a file for each, named by its number; store/migrations.py lists them.

A step that has been released is never changed; a change of the schema is a new file.
"""
