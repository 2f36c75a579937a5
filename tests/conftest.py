"""What all tiers share: Hypothesis without a deadline, because a busy machine is no failure; where operators note."""

import gc

import pytest
from hypothesis import settings

settings.register_profile("headrace", deadline=None)
settings.load_profile("headrace")

MAX_NAME_LENGTH = 80


def pytest_make_parametrize_id(val, argname):
    """The name of a long parameter is how long it is: pytest would print the payload of 256 KiB itself."""
    long = isinstance(val, str | bytes) and len(val) > MAX_NAME_LENGTH
    return f"{argname} of {len(val)}" if long else None


@pytest.fixture(autouse=True, scope="session")
def _attempts(tmp_path_factory):
    """Operators note what they process in a folder of the tests, and not below the working directory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADRACE_ATTEMPTS", str(tmp_path_factory.mktemp("attempts")))
        yield


def pytest_collection_finish():
    """Thousands of collected tests live until the end: no collection of garbage looks at them again and again."""
    gc.collect()
    gc.freeze()
