"""The command line: one file per command or group of commands; `main.py` registers them."""
