"""The command line: local stack, submit, demo, publish."""
