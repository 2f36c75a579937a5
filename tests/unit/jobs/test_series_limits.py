"""What the dead letter of a reading beyond a limit says, and that the image raises limits that exist."""

import re

import pytest
from pydantic import ValidationError

from jobs.series_limits import limits_of
from jobs.settings import MAX_LIMIT, JobSettings
from payload_codecs.validation import MAX_DETAIL
from schemas.limits import MAX_MESSAGE_ITEMS
from stack.layout import REPOSITORY

LIMITS = ("max_series", "max_devices", "max_metrics_per_device")


def test_each_limit_says_its_value_its_setting_and_what_to_do():
    limits = limits_of(JobSettings(max_series=1, max_devices=23_456, max_metrics_per_device=3))
    for limit, counted, variable in (
        (limits.series, "1 series", "HEADRACE_JOB_MAX_SERIES"),
        (limits.devices, "23,456 devices", "HEADRACE_JOB_MAX_DEVICES"),
        (limits.metrics_per_device, "3 metrics per device", "HEADRACE_JOB_MAX_METRICS_PER_DEVICE"),
    ):
        assert f"the limit of {counted}: raise {variable}, submit clean_telemetry" in limit.detail
    assert [limits.series.maximum, limits.devices.maximum, limits.metrics_per_device.maximum] == [1, 23_456, 3]


def test_what_to_do_is_not_cut_off_behind_a_long_name():
    for limit in vars(limits_of(JobSettings(**dict.fromkeys(LIMITS, MAX_LIMIT)))).values():
        assert isinstance(limit, int) or len("m" * 100 + " " + limit.detail) <= MAX_DETAIL


def test_by_default_a_device_may_send_what_one_message_can_hold_and_a_silent_series_counts_for_30_days():
    settings = JobSettings()
    assert (settings.max_series, settings.max_metrics_per_device) == (100_000, MAX_MESSAGE_ITEMS)
    assert limits_of(settings).lifetime_s == 30 * 24 * 3600


@pytest.mark.parametrize("setting", [*LIMITS, "series_lifetime_s"])
def test_a_limit_of_none_is_refused(setting):
    with pytest.raises(ValidationError, match=setting):
        JobSettings(**{setting: 0})


def test_the_image_allows_a_million_series(monkeypatch):
    dockerfile = (REPOSITORY / "deploy" / "Dockerfile").read_text()
    for name, value in re.findall(r"^    (HEADRACE_JOB_\w+)=(\w+) \\$", dockerfile, re.MULTILINE):
        monkeypatch.setenv(name, value)
    settings = JobSettings()
    assert (settings.max_series, settings.max_devices) == (1_000_000, 500_000)
