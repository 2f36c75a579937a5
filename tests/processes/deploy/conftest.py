"""What deploy/make-secrets.sh makes, in a folder of the test's."""

import subprocess

import pytest

from stack.layout import REPOSITORY


@pytest.fixture
def made_secrets(tmp_path):
    folder = tmp_path / "secrets"
    subprocess.run([REPOSITORY / "deploy" / "make-secrets.sh", folder], check=True)
    return folder
