"""Operators note what they process in a folder of the tests."""

import pytest


@pytest.fixture(autouse=True, scope="session")
def _attempts(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADRACE_ATTEMPTS", str(tmp_path_factory.mktemp("attempts")))
        yield
