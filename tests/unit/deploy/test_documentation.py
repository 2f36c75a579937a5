"""Every variable that a container reads is in docs/reference/settings.md; docs/how-to/deploy.md names no other one."""

import re

import pytest

from connectors.endpoints import Endpoints
from connectors.kafka.topic_settings import TopicSettings
from connectors.logging_setup import LogSettings
from connectors.mqtt_bridge.settings import BridgeSettings
from connectors.postgres_cdc.endpoints import CaptureEndpoints
from headrace.submission import WORKER_PYTHON
from jobs.settings import JobSettings
from serving.settings import ServingSettings
from stack.corrector import WindowSettings
from stack.layout import REPOSITORY

REFERENCE = (REPOSITORY / "docs" / "reference" / "settings.md").read_text()
TEXT = (REPOSITORY / "docs" / "how-to" / "deploy.md").read_text()


def variables():
    ours = (BridgeSettings, JobSettings, LogSettings, WindowSettings, TopicSettings, ServingSettings)
    for settings in (Endpoints, CaptureEndpoints, *ours):
        prefix = settings.model_config["env_prefix"]
        yield from (f"{prefix}{name.upper()}" for name in settings.model_fields)


@pytest.mark.parametrize("variable", list(variables()))
def test_every_setting_is_in_the_reference(variable):
    assert f"| `{variable}` |" in REFERENCE


def test_the_page_links_to_the_reference():
    assert "(../reference/settings.md)" in TEXT


def test_no_variable_is_documented_that_nothing_reads():
    known = {*variables(), "HEADRACE_HOME", WORKER_PYTHON}
    assert set(re.findall(r"`(HEADRACE_[A-Z_]+)`", TEXT)) <= known


def test_every_role_of_the_image_is_documented():
    entrypoint = (REPOSITORY / "deploy" / "entrypoint.sh").read_text()
    for role in re.findall(r"^  ([\w-]+)\)", entrypoint, re.MULTILINE):
        assert f"`{role}" in TEXT
