"""Passwords and tokens of a stack: made once, kept in files that only the owner reads.

They reach the servers through configuration files or an API call, never through a command line or an
environment, which every user of the machine (or every child process) could read.
"""

import os
import secrets
from pathlib import Path

from connectors.atomic_write import atomic_write_text
from stack.layout import Layout

# Names of files.
REDIS_PASSWORD = "redis-password"  # noqa: S105
INFLUXDB_TOKEN = "influxdb-token"  # noqa: S105
INFLUXDB_PASSWORD = "influxdb-password"  # noqa: S105
POSTGRES_PASSWORD = "postgres-password"  # noqa: S105
SERVING_KEY = "serving-key"


def secret(layout: Layout, name: str) -> str:
    """The secret of that name; the first call makes it."""
    return secret_file(layout, name).read_text().strip()


def secret_file(layout: Layout, name: str) -> Path:
    """The file that holds it, one line; the first call makes it."""
    path = _folder(layout) / name
    if not path.is_file():
        atomic_write_text(path, secrets.token_urlsafe(32) + "\n", mode=0o600)
    return path


def _folder(layout: Layout) -> Path:
    folder = layout.folder("secrets")
    os.chmod(folder, 0o700)
    return folder
