"""deploy/make-secrets.sh: random, kept, private."""

import subprocess
from pathlib import Path

import yaml

from stack.layout import REPOSITORY

RANDOM = ("redis-password", "influxdb-token", "influxdb-password", "postgres-password")


def test_secrets_differ_and_are_long(made_secrets):
    secrets = {(made_secrets / name).read_text().strip() for name in RANDOM}
    assert len(secrets) == len(RANDOM)
    assert min(map(len, secrets)) >= 32


def test_a_second_run_keeps_every_secret(made_secrets):
    before = {path.name: path.read_text() for path in made_secrets.iterdir()}
    subprocess.run([REPOSITORY / "deploy" / "make-secrets.sh", made_secrets], check=True)
    assert {path.name: path.read_text() for path in made_secrets.iterdir()} == before


def test_redis_is_told_the_password_that_its_clients_read(made_secrets):
    password = (made_secrets / "redis-password").read_text()
    assert (made_secrets / "redis-auth.conf").read_text() == f"requirepass {password}"


def test_connect_is_told_the_password_that_postgresql_has(made_secrets):
    password = (made_secrets / "postgres-password").read_text()
    assert (made_secrets / "connect.properties").read_text() == f"postgres={password}"


def test_only_the_owner_enters_the_folder_and_the_users_of_containers_read_what_is_mounted(made_secrets):
    assert made_secrets.stat().st_mode & 0o777 == 0o700
    assert {(made_secrets / name).stat().st_mode & 0o777 for name in RANDOM} == {0o444}


def test_git_never_sees_them(made_secrets):
    assert (made_secrets / ".gitignore").read_text() == "*\n"


def test_secrets_of_compose_are_files_of_one_folder_that_make_secrets_fills(made_secrets):
    secrets = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["secrets"]
    files = {Path(secret["file"]) for secret in secrets.values()}
    assert {file.parent for file in files} == {Path("deploy/secrets")}
    assert {file.name for file in files} == {path.name for path in made_secrets.iterdir() if path.name != ".gitignore"}
