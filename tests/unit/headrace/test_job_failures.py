"""What a person reads first of a job's failure."""

import pytest

from headrace.monitoring.jobs import MAX_CAUSE_LENGTH, cause_of

OF_A_WORKER = """\
java.lang.RuntimeException: Error while waiting for BeamPythonFunctionRunner flush
\tat org.apache.flink.streaming.api.A.b(A.java:1)
Caused by: java.util.concurrent.ExecutionException: java.lang.RuntimeException: failed
\tat java.base/C.d(C.java:2)
Caused by: java.lang.RuntimeException: Error received from SDK harness for instruction 1: \
Traceback (most recent call last):
  File "sdk_worker.py", line 1, in _execute
    response = task()
connectors.stores.StoreUnavailable: Redis answers NOPERM

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "write_to_store.py", line 9, in write
    self.store.write(batch)
connectors.stores.StoreMisconfigured: Redis denies permission: see ACL SETUSER

\tat org.apache.beam.E.f(E.java:3)
\t... 7 more
"""


def test_an_exception_of_a_worker_is_named_by_the_last_line_of_its_traceback():
    cause = cause_of({"stacktrace": OF_A_WORKER})
    assert cause == "connectors.stores.StoreMisconfigured: Redis denies permission: see ACL SETUSER"


@pytest.mark.parametrize(
    ("entry", "cause"),
    [
        ({"stacktrace": "a.B: outer\n\tat a.B.c\nCaused by: d.E: inner\n\tat d.E.f"}, "d.E: inner"),
        ({"stacktrace": "a.B: alone", "exceptionName": "a.B"}, "a.B"),
        ({"stacktrace": "Caused by: x: Traceback (most recent call last):"}, "x: Traceback (most recent call last):"),
        ({}, "unknown"),
        ({"stacktrace": "", "exceptionName": ""}, "unknown"),
    ],
)
def test_any_failure_has_a_cause(entry, cause):
    assert cause_of(entry) == cause


def test_a_long_cause_is_cut():
    assert len(cause_of({"stacktrace": "Caused by: " + "x" * 10_000})) == MAX_CAUSE_LENGTH
