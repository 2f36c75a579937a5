"""What Debezium's notifications prove of rows that were to be read again."""

import pytest

from connectors.postgres_cdc import RowsNotRead
from connectors.postgres_cdc.rereads import INCREMENTAL, Notification, was_read, what_stopped


def note(type_, status="", *, of="mine", kind=INCREMENTAL, at=1000.0):
    return Notification(of, kind, type_, status, at)


BEGUN = [note("STARTED"), note("IN_PROGRESS")]
SKIPPED = ["SQL_EXCEPTION", "UNKNOWN_SCHEMA", "NO_PRIMARY_KEY", "STOPPED"]


@pytest.mark.parametrize("status", ["SUCCEEDED", "EMPTY"])
def test_rows_were_read_once_the_scan_of_the_request_ended_well(status):
    assert not was_read([], "mine")
    assert not was_read(BEGUN, "mine")
    assert was_read([*BEGUN, note("TABLE_SCAN_COMPLETED", status)], "mine")


def test_the_scan_of_another_request_proves_nothing():
    assert not was_read([note("TABLE_SCAN_COMPLETED", "SUCCEEDED", of="other"), note("COMPLETED", of="other")], "mine")


@pytest.mark.parametrize("status", SKIPPED)
def test_a_table_that_debezium_skipped_was_not_read_though_the_snapshot_is_completed(status):
    found = [*BEGUN, note("TABLE_SCAN_COMPLETED", status), note("COMPLETED")]
    with pytest.raises(RowsNotRead, match=status):
        was_read(found, "mine")
    assert status in what_stopped(found, 1001.0, 60.0)
    with pytest.raises(RowsNotRead, match="ABORTED"):
        was_read([note("ABORTED")], "mine")


@pytest.mark.parametrize("found", [BEGUN[:1], BEGUN, [*BEGUN, note("TABLE_SCAN_COMPLETED", "SUCCEEDED")]])
def test_a_snapshot_without_an_end_is_stuck_after_a_time_without_progress(found):
    assert what_stopped(found, 1060.0, 60.0) is None
    assert what_stopped(found, 1075.0, 60.0) == "an incremental snapshot has made no progress for 75 s"


def test_a_snapshot_that_ended_or_was_followed_by_a_new_one_of_all_rows_is_not_stuck():
    ended = [*BEGUN, note("TABLE_SCAN_COMPLETED", "SUCCEEDED"), note("COMPLETED")]
    assert what_stopped([], 9000.0, 60.0) is what_stopped(ended, 9000.0, 60.0) is None
    for type_ in ("STARTED", "COMPLETED", "SKIPPED"):
        anew = note(type_, of="other", kind="Initial Snapshot", at=2000.0)
        expected = None if type_ != "SKIPPED" else "an incremental snapshot has made no progress for 8000 s"
        assert what_stopped([*BEGUN, anew], 9000.0, 60.0) == expected, "a restart skips the initial snapshot"
