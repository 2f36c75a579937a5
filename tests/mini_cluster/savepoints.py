"""Jobs that run until they are stopped with a savepoint, and start from one."""

import json
import time

from jobs.tables import table_name
from tests.mini_cluster.file_tables import FileTables
from tests.mini_cluster.flink_internals import stop_with_savepoint

OPTIONS = {
    "execution.checkpointing.interval": "300 ms",
    # All state in the one file `_metadata`.
    "execution.checkpointing.data-inline-threshold": "1 mb",
    # As good as for ever: a stored savepoint is of the day of its release.
    "table.exec.state.ttl": "3650 d",
}


class GrowingTables(FileTables):
    """Topics as folders that are read without an end, and written in files that each checkpoint closes."""

    def _source(self, topic, body, rows, name=None):
        (self.folder / topic.name).mkdir()
        self._create(name or table_name(topic), body, self.folder / topic.name)
        self.send(topic, rows)

    def send(self, topic, rows):
        """One more file, there all at once: the source does not look at hidden ones."""
        hidden = self.folder / topic.name / ".being-written"
        hidden.write_text("".join(json.dumps(row) + "\n" for row in rows))
        hidden.rename(hidden.with_name(f"{time.time_ns()}.json"))

    def _create(self, name, body, path):
        options = {
            "connector": "filesystem", "path": path, "format": "json", "json.encode.ignore-null-fields": "true",
            "source.monitor-interval": "100 ms",
            "sink.rolling-policy.rollover-interval": "100 ms", "sink.rolling-policy.check-interval": "100 ms",
        }  # fmt: skip
        given = ", ".join(f"'{key}' = '{value}'" for key, value in options.items())
        self.tables.execute_sql(f"CREATE TEMPORARY TABLE {name} (\n  {body}\n) WITH ({given})")


def run_until_written(topics, statements, sinks, n):
    """Runs a job until it has written `n` records to its sinks together, then stops it; the path of its savepoint."""
    job = statements.execute().get_job_client()
    try:
        wait_for(lambda: sum(len(topics.records(topic)) for topic in sinks) >= n, job)
        return stop_with_savepoint(job, topics.folder / "savepoints")
    except BaseException:
        job.cancel().result()
        raise


def wait_for(condition, job, within_s=60):
    """Until it holds. Fails if the job ends before that, and past the limit."""
    deadline = time.monotonic() + within_s
    while not condition():
        status = job.get_job_status().result().name
        assert status not in {"FAILED", "CANCELED", "FINISHED"}, job.get_job_execution_result().result()
        assert time.monotonic() < deadline, f"the job is {status} and has not written all after {within_s} s"
        time.sleep(0.1)
