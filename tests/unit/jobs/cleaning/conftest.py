import pytest

from tests.unit.jobs.cleaning.outcomes import Outcomes, cleaned


@pytest.fixture(scope="module")
def outcomes(request):
    """All messages that the module sent, cleaned in one run."""
    messages = request.module.MESSAGES
    return Outcomes(messages, cleaned(messages))
