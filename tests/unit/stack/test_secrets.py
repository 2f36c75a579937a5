"""Passwords and tokens of a stack."""

from stack.layout import Layout
from stack.secrets import INFLUXDB_TOKEN, REDIS_PASSWORD, secret


def test_a_secret_is_made_once(tmp_path):
    layout = Layout(tmp_path)
    assert secret(layout, REDIS_PASSWORD) == secret(layout, REDIS_PASSWORD)
    assert len(secret(layout, REDIS_PASSWORD)) >= 32


def test_two_stacks_have_different_secrets(tmp_path):
    assert secret(Layout(tmp_path / "a"), INFLUXDB_TOKEN) != secret(Layout(tmp_path / "b"), INFLUXDB_TOKEN)


def test_only_the_owner_reads_a_secret(tmp_path):
    secret(Layout(tmp_path), INFLUXDB_TOKEN)
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "secrets" / INFLUXDB_TOKEN).stat().st_mode & 0o777 == 0o600


def test_endpoints_find_the_secrets(tmp_path):
    layout = Layout(tmp_path)
    assert layout.endpoints.redis_password is None
    password = secret(layout, REDIS_PASSWORD)
    assert layout.endpoints.redis_url == f"redis://default:{password}@127.0.0.1:16379/0"
