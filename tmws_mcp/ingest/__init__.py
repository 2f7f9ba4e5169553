"""Observations and notes from elsewhere: transcripts, message logs, spans, Markdown."""
