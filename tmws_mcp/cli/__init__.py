"""The command line: the server, the inspector, the doctor, the demo."""
