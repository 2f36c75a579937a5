"""A drill on records that a job cannot process: one that raises and one that kills the worker, for each operator.

No record is known to be fatal, so the jobs run a release with a fault (record_fault.py) that shows at certain numbers.
"""

import json
import shutil
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

from connectors.kafka import clients
from drills import record_fault
from drills.churn_model import train_a_model
from drills.committed import TopicTail
from drills.context import Context
from drills.drill import Drill, Protection
from drills.quarantined import (
    DECODE_SESSIONS,
    OF_READINGS,
    READ_FROM,
    RECOMMEND,
    RECORDS,
    FatalRecord,
    QuarantinedDeadLetters,
    records_at,
    without_alarm,
)
from drills.releases import copy_packages, replace_line, run_release
from headrace.errors import NotWithin
from headrace.polling import wait_until
from headrace.publisher import Publisher
from jobs.names import CLEAN_TELEMETRY
from schemas.interaction import Interaction
from schemas.topics import DEAD_LETTERS

FROM_A_SAVEPOINT = ("clean_telemetry", "score_anomalies", "store_influxdb", "store_redis")
AFRESH = ("recommend_items", "score_churn")

QUARANTINE_FILE = "jobs/operators/quarantine.py"
BEFORE_THE_ATTEMPT = "            return self._do.attempt(batch)\n"
FAULT_FILE = "jobs/operators/record_fault.py"
FAULT = "            record_fault.fail_on_fatal_records(self._journal._attempt.name, batch)\n"
IMPORT = "from jobs.operators.attempt_journal import"

SOURCES = """\
[[source]]
name = "fleet"
topic = "fleet/{device}/telemetry"

[[source]]
name = "drilled-sparkplug"
topic = "spBv1.0/{group}/{type}/{node}/#"
codec = "sparkplug-b"
"""
ROUNDS = (
    [each for each in RECORDS if each.stage == CLEAN_TELEMETRY],
    [each for each in RECORDS if each.stage != CLEAN_TELEMETRY],
)
"""What kills the cleaning comes alone: its open transaction is aborted, and the stores, which do not wait for
commits, would meet the same reading at two positions."""
DEAD_LETTERS_WITHIN_S = 240.0
"""Three restarts of each job, with pauses, on a machine that restarts them all at a time."""


def send_fatal_records(context: Context) -> None:
    train_a_model(context.environment.layout)
    _run_the_faulty_release(context)
    bootstrap = context.endpoints.kafka
    with closing(TopicTail(bootstrap, DEAD_LETTERS)) as tail:
        dead_letters = QuarantinedDeadLetters(tail)
        for records in ROUNDS:
            _send(context, records)
            with suppress(NotWithin):  # what is missing then is told below
                wait_until(
                    "dead letters of fatal records", partial(dead_letters.are_complete, records), DEAD_LETTERS_WITHIN_S
                )
        context.problems += dead_letters.problems(records_at(bootstrap, dead_letters.positions()))
    context.problems += without_alarm(bootstrap)
    told = ", ".join(f"{len(dead_letters.found[each])} of {each.operator} ({each.way})" for each in RECORDS)
    context.notes.append(f"Dead letters quarantined: {told}.")


def _run_the_faulty_release(context: Context) -> None:
    release = context.environment.layout.folder("faulty-release")
    write_faulty_release(release)
    for job in FROM_A_SAVEPOINT:
        path = context.flink.stop_with_savepoint(job)
        variables = {"HEADRACE_JOB_SOURCES": SOURCES} if job == CLEAN_TELEMETRY else {}
        run_release(context, job, path, release, variables=variables)
        context.announce(f"{job} goes on with a fault that shows at certain records")
    for job in AFRESH:
        run_release(context, job, None, release)
        context.announce(f"{job} runs, with the same fault")


def write_faulty_release(release: Path) -> None:
    """Our packages, whose operators fail on records with fatal numbers."""
    copy_packages(release)
    shutil.copyfile(record_fault.__file__, release / FAULT_FILE)
    quarantined = release / QUARANTINE_FILE
    replace_line(quarantined, BEFORE_THE_ATTEMPT, FAULT + BEFORE_THE_ATTEMPT)
    replace_line(quarantined, IMPORT, f"from jobs.operators import record_fault\n{IMPORT}")


def _send(context: Context, records: Sequence[FatalRecord]) -> None:
    publisher = Publisher(context.endpoints)
    for record in records:
        if record.operator in OF_READINGS:
            reading = {"metric": f"{record.operator}-{record.way}", "value": 1, "ts": _now_ms(), "seq": record.number}
            publisher.publish(f"fatal-{context.prefix}", json.dumps(reading).encode())
    publisher.close()
    with closing(clients.producer(context.endpoints.kafka, client_id="drill-fatal")) as producer:
        for record in records:
            if record.operator not in OF_READINGS:
                producer.send(READ_FROM[record.operator], **_past_the_bridge(record)).get(timeout=30)
    context.announce(f"sent {len(records)} records, each of which fails one operator")


def _past_the_bridge(record: FatalRecord) -> dict[str, Any]:
    """Key, value and headers of a record that no device sends over MQTT, or whose payload need not be right."""
    if record.operator == DECODE_SESSIONS:
        topic = f"spBv1.0/drill/NDATA/{record.way}".encode()
        headers = [("source", b"drilled-sparkplug"), ("mqtt_topic", topic), ("received_at", b"%d" % _now_ms())]
        return {"key": record.way.encode(), "value": str(record.number).encode(), "headers": headers}
    if record.operator == RECOMMEND:
        viewed = Interaction(user=f"u-{record.way}", item=f"i-{record.number}", action="view", event_time=_now_ms())
        return {"key": viewed.user.encode(), "value": viewed.model_dump_json().encode()}
    row = {"__source_ts_ms": _now_ms(), "tenure": 3, "contract": "monthly", "note": str(record.number)}
    return {"key": f"c-{record.way}".encode(), "value": json.dumps(row).encode()}


def _now_ms() -> int:
    return int(time.time() * 1000)


DRILLS = (
    Drill(
        name="record-kills-worker",
        breaks="For each operator in Python come a record on which it raises and one that kills its worker with -9, "
        "each time that it is processed.",
        protected_by=Protection(
            QUARANTINE_FILE, "ATTEMPTS = 3", "what fails for the third time in a row is set aside as a dead letter"
        ),
        inject=send_fatal_records,
    ),
)
