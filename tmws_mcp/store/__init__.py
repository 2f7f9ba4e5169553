"""All SQL. Each function takes a connection and runs on a worker thread, in one transaction."""
