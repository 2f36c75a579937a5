"""`python -m headrace`: the command line."""

from headrace.cli.main import app

if __name__ == "__main__":
    app()
