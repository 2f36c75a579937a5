"""When a person is called, and when not."""

import shutil
from dataclasses import replace

import pytest

from connectors.broker_drops import BrokerDrops
from connectors.mqtt_broker_figures import MqttBrokerFigures
from connectors.postgres_cdc.inspection import Fault
from headrace.monitoring import alarms
from headrace.monitoring.capture import CaptureFigures
from headrace.monitoring.jobs import JobFigures
from headrace.monitoring.mqtt import MqttFigures
from headrace.monitoring.processes import ProcessFigures
from headrace.monitoring.quarantine import QuarantineFigures
from headrace.monitoring.series import LimitFigures
from headrace.monitoring.topics import TopicFigures
from schemas.bridge_session import SessionLoss

HEALTHY_PROCESS = ProcessFigures("kafka", "RUNNING", 1, 300 * 2**20, 3600, 0)
HEALTHY_JOB = JobFigures("j1", "clean_telemetry", "RUNNING", 3600, 0, 0, None, 4, 1_000_000_000)
NEWEST = 1_000_005_000


def job_alarms(newest=NEWEST, **changes):
    return [alarm.wrong for alarm in alarms.of_jobs([replace(HEALTHY_JOB, **changes)], newest, "127.0.0.1:1")]


def process_alarms(**changes):
    return [alarm.wrong for alarm in alarms.of_processes([replace(HEALTHY_PROCESS, **changes)])]


def test_a_healthy_stack_calls_nobody(tmp_path):
    topics = TopicFigures(
        {("clean_telemetry", "telemetry.raw"): 200}, {"telemetry.readings": 1000, "telemetry.late": 3}
    )
    assert (process_alarms(), job_alarms(), list(alarms.of_topics(topics))) == ([], [], [])


def test_a_process_that_does_not_run_is_an_alarm():
    assert process_alarms(state="FATAL", pid=None) == ["kafka is FATAL"]


def test_a_server_in_its_first_seconds_is_no_alarm_unless_it_ran_before():
    assert process_alarms(state="STARTING", uptime_s=1) == []
    (alarm,) = process_alarms(state="STARTING", uptime_s=1, restarts=1)
    assert alarm == "kafka was restarted 1 s ago (1 restarts in all)"
    assert process_alarms(state="BACKOFF", pid=None) == ["kafka is BACKOFF"]


def test_a_restart_is_an_alarm_while_it_is_recent():
    assert process_alarms(restarts=2, uptime_s=30) == ["kafka was restarted 30 s ago (2 restarts in all)"]
    assert process_alarms(restarts=2, uptime_s=3000) == []


def test_a_job_that_restarts_in_a_loop_is_an_alarm_with_its_cause():
    wrong = job_alarms(recent_failures=4, last_failure="KeyError: 'metric'")
    assert wrong == ["clean_telemetry restarts in a loop (4 failures in 5 min): KeyError: 'metric'"]
    assert job_alarms(recent_failures=1, last_failure="TaskManager lost") == []


def test_a_failed_job_is_an_alarm():
    assert job_alarms(state="FAILED", last_failure="boom") == ["clean_telemetry has failed: boom"]


@pytest.mark.parametrize(("age", "running", "called"), [(500, 3600, True), (None, 3600, True), (None, 20, False)])
def test_missing_checkpoints_are_an_alarm_once_a_job_has_had_the_time(age, running, called):
    assert bool(job_alarms(checkpoint_age_s=age, running_s=running)) == called


def test_the_watermark_is_compared_with_the_newest_reading_and_not_with_the_clock():
    assert job_alarms(newest=1_000_000_000 + 300_000) == [
        "clean_telemetry's watermark is 300 s behind the newest reading"
    ]
    assert job_alarms(newest=None) == []
    assert job_alarms(watermark_ms=None) == []


def series_alarms(count, limit=1000, counted="series"):
    return list(alarms.of_series([LimitFigures(counted, count, limit)]))


def test_four_fifths_of_a_limit_on_series_are_an_alarm_that_names_its_setting():
    assert series_alarms(799) == []
    (alarm,) = series_alarms(800)
    assert alarm.wrong.startswith("clean_telemetry has 800 of 1,000 series (HEADRACE_JOB_MAX_SERIES): ")
    (alarm,) = series_alarms(95, 100, "metrics per device")
    assert alarm.wrong.startswith(
        "clean_telemetry has 95 of 100 metrics per device (HEADRACE_JOB_MAX_METRICS_PER_DEVICE): "
    )


@pytest.mark.parametrize("count", [1000, 1200])
def test_a_limit_on_series_that_is_reached_is_an_alarm_that_leads_to_the_dead_letters(count):
    (alarm,) = series_alarms(count, counted="devices")
    assert alarm.wrong.startswith("clean_telemetry has reached its limit of 1,000 devices (HEADRACE_JOB_MAX_DEVICES)")
    assert alarm.next.startswith("headrace dlq ls --reason too_many_series")


def test_lag_and_late_readings_are_alarms():
    topics = TopicFigures(
        {("store_redis", "telemetry.readings"): 50_000}, {"telemetry.readings": 1000, "telemetry.late": 200}
    )
    wrong = [alarm.wrong for alarm in alarms.of_topics(topics)]
    assert wrong == [
        "store_redis is 50,000 records behind in telemetry.readings",
        "20% of the readings are late and in no window",
    ]


def test_one_late_reading_of_a_few_calls_nobody():
    assert list(alarms.of_topics(TopicFigures({}, {"telemetry.readings": 9, "telemetry.late": 1}))) == []


def test_every_alarm_says_what_to_do_next():
    raised = [
        *alarms.of_processes([replace(HEALTHY_PROCESS, state="BACKOFF")]),
        *alarms.of_jobs([replace(HEALTHY_JOB, state="FAILED", checkpoint_age_s=None)], NEWEST, "127.0.0.1:1"),
        *alarms.of_topics(TopicFigures({("g", "t"): 10**6}, {"telemetry.readings": 1000, "telemetry.late": 900})),
    ]
    assert len(raised) == 4
    assert all(alarm.next for alarm in raised)


def test_a_full_disk_is_an_alarm(tmp_path, monkeypatch):
    assert list(alarms.of_disk(tmp_path)) == []
    monkeypatch.setattr(shutil, "disk_usage", lambda path: type("Usage", (), {"free": 2**20}))
    assert [alarm.wrong.split(" are")[0] for alarm in alarms.of_disk(tmp_path)] == ["Only 0.0 GiB"]


def test_changes_that_are_not_captured_and_a_log_that_grows_are_alarms():
    assert list(alarms.of_capture(CaptureFigures("RUNNING", "RUNNING", "active", 200, 4000))) == []
    raised = list(alarms.of_capture(CaptureFigures("RUNNING", "FAILED", "inactive", 0, 3 * 2**30, "its task FAILED")))
    assert [alarm.wrong for alarm in raised] == [
        "changes are not captured: its task FAILED",
        "PostgreSQL keeps 3.0 GiB of its log for change capture",
    ]
    assert all(alarm.next for alarm in raised)


def test_each_fault_of_change_capture_is_an_alarm_of_its_own():
    faults = (Fault("there is no publication headrace", "headrace cdc repair"), Fault("the slot is gone", "mend it"))
    raised = list(alarms.of_capture(CaptureFigures("RUNNING", "RUNNING", "active", error="both", faults=faults)))
    assert [(alarm.wrong, alarm.next) for alarm in raised] == [
        ("change capture: there is no publication headrace", "headrace cdc repair"),
        ("change capture: the slot is gone", "mend it"),
    ]


def test_quarantined_records_are_an_alarm_for_each_job_that_says_how_to_see_them():
    assert list(alarms.of_quarantine(QuarantineFigures())) == []
    first, second = alarms.of_quarantine(QuarantineFigures({"store_redis": 1, "clean_telemetry": 1200}, "2:17"))
    assert first.wrong.startswith("clean_telemetry has quarantined 1,200 records")
    assert second.wrong.startswith("store_redis has quarantined 1 record ")
    assert "--stage store_redis" in second.next
    assert "headrace dlq show 2:17" in second.next


NOW_MS = 1_790_000_000_000
HEALTHY_BROKER = MqttBrokerFigures(connected=12, sessions=13, waiting=40, waiting_bytes=9000, dropped=0)


def mqtt_alarms(broker=HEALTHY_BROKER, **changes):
    figures = MqttFigures(broker, **({"drops": BrokerDrops(0), "now_ms": NOW_MS} | changes))
    return [alarm.wrong for alarm in alarms.of_mqtt(figures)]


def test_an_mqtt_broker_without_drops_and_losses_calls_nobody():
    assert mqtt_alarms() == []


def test_messages_that_the_mqtt_broker_dropped_are_an_alarm():
    (wrong,) = mqtt_alarms(drops=BrokerDrops(1200, NOW_MS - 60_000))
    assert wrong.startswith("the MQTT broker has dropped 1,200 messages")
    assert mqtt_alarms(drops=BrokerDrops(1200)) == [wrong]


def test_dropped_messages_are_an_alarm_for_a_day():
    assert mqtt_alarms(drops=BrokerDrops(1200, NOW_MS - 25 * 3_600_000)) == []


def test_an_mqtt_broker_that_does_not_say_what_it_dropped_is_an_alarm_unless_a_bridge_knows():
    silent = MqttBrokerFigures(None, None, None, None, None)
    (wrong,) = mqtt_alarms(silent, drops=BrokerDrops(None))
    assert wrong == "how many messages the MQTT broker has dropped is unknown: neither it nor a bridge says"
    assert mqtt_alarms(silent, drops=BrokerDrops(0)) == []


def test_what_a_bridge_saw_dropped_is_an_alarm_though_the_mqtt_broker_does_not_answer():
    _, wrong = mqtt_alarms(None, error="timed out", drops=BrokerDrops(3, NOW_MS))
    assert wrong.startswith("the MQTT broker has dropped 3 messages")


def test_a_long_queue_at_the_mqtt_broker_is_an_alarm():
    (wrong,) = mqtt_alarms(replace(HEALTHY_BROKER, waiting=200_000, waiting_bytes=50 * 2**20))
    assert wrong == "200,000 messages (50 MiB) wait at the MQTT broker"


def test_an_mqtt_broker_that_does_not_answer_is_an_alarm():
    assert mqtt_alarms(None, error="timed out", drops=BrokerDrops(None)) == [
        "the MQTT broker does not answer: timed out"
    ]


def test_a_lost_session_is_an_alarm_for_a_day():
    new = SessionLoss(since=1_789_999_000_000, until=1_789_999_060_000)
    old = SessionLoss(since=1_789_000_000_000, until=1_789_000_060_000)
    (wrong,) = mqtt_alarms(losses=(("bridge-7", new), ("bridge-7", old)))
    assert wrong == "the MQTT broker lost the session of bridge-7: up to 60 s of messages may be missing"
