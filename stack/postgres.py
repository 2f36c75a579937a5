"""PostgreSQL: customers and devices, captured by `connect`. Only with `headrace up --with postgres,connect`."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from connectors.atomic_write import atomic_write_text
from connectors.endpoints import LOOPBACK, POSTGRES_PORT
from stack import programs
from stack.errors import BuildFailed, MissingProgram, StackUnusable
from stack.secrets import POSTGRES_PASSWORD, secret, secret_file
from stack.server import NotYet, Server

CONFIGURATION = """\
listen_addresses = '{host}'
port = {port}
unix_socket_directories = ''
# Change capture reads the log.
wal_level = logical
max_replication_slots = 8
max_wal_senders = 8
shared_buffers = 64MB
max_wal_size = 256MB
log_checkpoints = off
"""
DEBIAN_USER = "postgres"


class Postgres(Server):
    """Made once, into a folder beside, then renamed: a killed `up` leaves no half-made cluster."""

    name = "postgres"
    optional = True
    standard_ports = (POSTGRES_PORT,)
    ready_within_s = 60

    def configure(self) -> None:
        secret(self.layout, POSTGRES_PASSWORD)

    def before_start(self) -> None:
        if not (self._data / "PG_VERSION").is_file():
            self._make_cluster()
        # PostgreSQL refuses a folder that others may look into.
        self._data.chmod(0o700)
        text = CONFIGURATION.format(host=LOOPBACK, port=self.layout.port(POSTGRES_PORT))
        atomic_write_text(self._data / "headrace.conf", text)

    def command(self) -> list[str]:
        return [*not_as_root(), str(programs.find("postgres")), "-D", str(self._data)]

    def check(self) -> None:
        from connectors.postgres_cdc import DatabaseUnavailable, database

        try:
            with database.connection(self.layout.capture) as connection:
                connection.execute("SELECT 1")
        except DatabaseUnavailable as error:
            raise NotYet(str(error)) from error

    def set_up(self) -> None:
        from connectors.postgres_cdc import DatabaseRefuses, DatabaseUnavailable, database

        try:
            database.prepare(self.layout.capture)
        except DatabaseUnavailable as error:
            raise NotYet(str(error)) from error
        except DatabaseRefuses as error:
            raise StackUnusable(f"Change capture cannot be prepared. {error}. Fix that, then:  headrace up") from error

    def _make_cluster(self) -> None:
        self._require_nothing_there()
        for left in self.layout.folder("postgres").glob("partial-*"):
            shutil.rmtree(left)
        partial = Path(tempfile.mkdtemp(dir=self.layout.folder("postgres"), prefix="partial-"))
        command = [
            *not_as_root(), str(programs.find("initdb")), "--pgdata", str(partial), "--encoding", "UTF8", "--no-locale",
            "--username", self.layout.capture.postgres_user, "--auth", "scram-sha-256",
            "--pwfile", str(secret_file(self.layout, POSTGRES_PASSWORD)),
        ]  # fmt: skip
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            shutil.rmtree(partial, ignore_errors=True)
            raise BuildFailed(f"PostgreSQL could not make {self._data}: {programs.last_line(done.stdout)}")
        with (partial / "postgresql.conf").open("a") as configuration:
            configuration.write("include = 'headrace.conf'\n")
        partial.rename(self._data)

    def _require_nothing_there(self) -> None:
        """Check that the data folder is empty.

        Raises
        ------
        StackError
            When it is not. A person has to decide about its files.
        """
        if self._data.exists() and (not self._data.is_dir() or any(self._data.iterdir())):
            raise StackUnusable(
                f"{self._data} is not a PostgreSQL cluster, or lacks PG_VERSION: PostgreSQL cannot read it. "
                f"Put the file back, or start empty:  rm -r {self._data}"
            )

    @property
    def _data(self) -> Path:
        return self.layout.home / "postgres" / "data"


def not_as_root() -> list[str]:
    """What comes before PostgreSQL's programs: they refuse to run as root.

    In a user namespace root is seen as the user that Debian's package made. The files stay root's, so the folder need
    not be open to anybody else.
    """
    if os.getuid() != 0:
        return []
    if shutil.which("unshare") is None:
        raise MissingProgram(
            "unshare is not installed (Debian's util-linux): PostgreSQL does not run as root without it"
        )
    try:
        user = pwd.getpwnam(DEBIAN_USER)
    except KeyError:
        raise MissingProgram(f"There is no user {DEBIAN_USER}, and PostgreSQL does not run as root") from None
    return ["unshare", "--user", f"--map-user={user.pw_uid}", f"--map-group={user.pw_gid}"]
