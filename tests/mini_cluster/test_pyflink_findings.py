"""How PyFlink behaves where Headrace relies on it, and where Headrace keeps away from it (docs/adr/0004).

One job carries every stage through one crash. Its bundles are ended by checkpoint barriers only, and no
watermark comes before the last one: that makes a matter of luck a matter of course.

A test that says "lost" pins a bug. When it fails, PyFlink has fixed it: read ADR 4 again.
"""

import time
from types import SimpleNamespace

import cloudpickle
import pytest
from py4j.protocol import Py4JJavaError
from pyflink.common import Time, Types
from pyflink.datastream import AsyncFunction, StreamExecutionEnvironment, async_retry_strategies
from pyflink.datastream.functions import AsyncFunctionDescriptor
from pyflink.datastream.window import TumblingEventTimeWindows
from pyflink.fn_execution.datastream.process.async_function import operation as async_operation
from pyflink.java_gateway import get_gateway
from pyflink.table import DataTypes, Schema
from pyflink.table.udf import udf

from tests.mini_cluster.crashing_stages import (
    TTL_MS,
    Expires,
    FlushesWithTheBundle,
    Lines,
    SetsTimers,
    Windowed,
    Writes,
)

N, PER_SECOND, KEYS = 1000, 100, 4

IDS = f"""CREATE TEMPORARY TABLE ids (
  id BIGINT, et AS TO_TIMESTAMP_LTZ(id, 3), WATERMARK FOR et AS et
) WITH ('connector' = 'datagen', 'rows-per-second' = '{PER_SECOND}',
  'fields.id.kind' = 'sequence', 'fields.id.start' = '0', 'fields.id.end' = '{N - 1}')"""

# Windows of one element each, as those in Python.
FIRED_IN_SQL = f"""INSERT INTO fired_in_sql
SELECT MIN(id) FROM TABLE(TUMBLE(TABLE carried, DESCRIPTOR(et), INTERVAL '0.{KEYS:03d}' SECOND(1, 3)))
GROUP BY MOD(id, {KEYS}), window_start, window_end"""


class Crashed:
    """What every stage did in one run of the job, through its crash."""

    def __init__(self, tables, folder, checkpoints):
        self.crashed = folder / "crashed"
        names = ("timers", "windows", "ages", "in_gauge", "flushes", "in_udf")
        self.lines = {name: Lines(folder / name) for name in names}
        self._in_sql = folder / "in_sql"
        self._build(tables, checkpoints)
        run(StreamExecutionEnvironment(tables._get_j_env()))

    def __getattr__(self, name):
        return self.lines[name].numbers()

    @property
    def in_sql(self):
        files = [path for path in self._in_sql.rglob("part-*") if path.is_file()]
        return [int(line) for path in files for line in path.read_text().split()]

    def _build(self, tables, checkpoints):
        tables.execute_sql(IDS)
        ids = tables.to_data_stream(tables.from_path("ids")).map(lambda row: row[0], output_type=Types.LONG())
        self._python_stages(ids.key_by(lambda id_: id_ % KEYS, key_type=Types.LONG()), checkpoints)
        self._sql_stages(tables, ids)

    def _python_stages(self, keyed, checkpoints):
        lines, nothing = self.lines, {"output_type": Types.LONG()}
        keyed.process(SetsTimers(lines["timers"]), **nothing)
        window = TumblingEventTimeWindows.of(Time.milliseconds(KEYS))  # of one element each
        keyed.window(window).process(Windowed(lines["windows"]), **nothing)
        keyed.process(Expires(lines["ages"]), **nothing)
        flushes = FlushesWithTheBundle(lines["in_gauge"], lines["flushes"], self.crashed, checkpoints)
        keyed.process(flushes, **nothing)

    def _sql_stages(self, tables, ids):
        schema = Schema.new_builder().column("f0", "BIGINT").column_by_metadata("et", "TIMESTAMP_LTZ(3)", "rowtime")
        carried = tables.from_data_stream(ids, schema.watermark("et", "SOURCE_WATERMARK()").build())
        tables.create_temporary_view("carried", carried.alias("id", "et"))
        options = f"'connector' = 'filesystem', 'path' = '{self._in_sql}', 'format' = 'csv'"
        tables.execute_sql(f"CREATE TEMPORARY TABLE fired_in_sql (id BIGINT) WITH ({options})")
        tables.execute_sql("CREATE TEMPORARY TABLE acknowledged (id BIGINT) WITH ('connector' = 'blackhole')")
        writes = udf(
            Writes(self.lines["in_udf"]), result_type=DataTypes.BIGINT(), func_type="pandas", deterministic=False
        )
        tables.create_temporary_function("writes", writes)
        statements = tables.create_statement_set()
        statements.add_insert_sql("INSERT INTO acknowledged SELECT writes(id) FROM carried")
        statements.add_insert_sql(FIRED_IN_SQL)
        statements.attach_as_datastream()


def run(environment, within_s=90):
    """Runs the job to its end, or cancels it after `within_s`."""
    job = environment.execute_async("findings")
    # Java's own future: the mini-cluster ends with its job, and asked for a status then, it raises.
    ended = job._j_job_client.getJobExecutionResult()
    try:
        ended.get(within_s, get_gateway().jvm.java.util.concurrent.TimeUnit.SECONDS)
    except Py4JJavaError as error:
        if "TimeoutException" not in str(error):
            raise
        job.cancel().result()
        raise TimeoutError(f"the job did not end within {within_s} s") from error


@pytest.fixture(scope="module")
def run_with_a_crash(environment, tmp_path_factory):
    folder, checkpoints = tmp_path_factory.mktemp("findings"), tmp_path_factory.mktemp("checkpoints")
    tables = environment("findings", **{
        "restart-strategy.type": "fixed-delay", "restart-strategy.fixed-delay.attempts": "1",
        "restart-strategy.fixed-delay.delay": "0 s", "execution.checkpointing.interval": "1 s",
        "execution.checkpointing.dir": checkpoints.as_uri(), "pipeline.auto-watermark-interval": "1 h",
        "python.fn-execution.bundle.time": "600000", "python.fn-execution.bundle.size": "100000",
    })  # fmt: skip
    crashed = Crashed(tables, folder, checkpoints)
    assert crashed.crashed.exists(), "the job ended before it could crash"
    return crashed


def lost(ids):
    return sorted(set(range(N)) - set(ids))


def test_a_barrier_ends_the_bundle_and_a_pandas_udf_has_written_what_its_checkpoint_counts(run_with_a_crash):
    """Finding A: a bundle is finished before its barrier is forwarded, so a synchronous write is at least once."""
    assert len(run_with_a_crash.flushes) > 2, "no barrier ended a bundle"
    assert lost(run_with_a_crash.in_udf) == []


def test_python_timers_of_the_bundle_that_a_barrier_ends_are_lost(run_with_a_crash):
    """Finding C: timers are registered after the snapshot that their bundle belongs to, and are in no checkpoint."""
    assert lost(run_with_a_crash.timers)


def test_python_windows_of_that_bundle_never_fire(run_with_a_crash):
    """Finding D: PyFlink's windows are Python timers, so that a failover loses firings."""
    assert lost(run_with_a_crash.windows)


def test_windows_in_sql_fire_once_each(run_with_a_crash):
    """What Headrace uses in the place of D: windows of the JVM, through the same crash."""
    assert sorted(run_with_a_crash.in_sql) == list(range(N))


def test_a_python_state_is_given_after_its_time_to_live(run_with_a_crash):
    """Finding E: PyFlink's cache gives a value whose TTL has passed."""
    assert max(run_with_a_crash.ages) > 5 * TTL_MS


def test_a_gauge_is_read_at_the_end_of_each_bundle_and_its_exception_fails_the_bundle(run_with_a_crash):
    """Finding F: a gauge's callback runs on the processing thread before the checkpoint, and what it raises is seen."""
    assert lost(run_with_a_crash.in_gauge) == []
    assert sum(run_with_a_crash.flushes) == len(run_with_a_crash.in_gauge)


class Fails(AsyncFunction):
    async def async_invoke(self, value):
        raise RuntimeError("the store refused the record")


@pytest.fixture
def async_stage(monkeypatch):
    """The operation that runs an AsyncFunction in the worker, without a worker: what it ends is a bundle."""
    monkeypatch.setattr(async_operation, "StreamingRuntimeContext", SimpleNamespace(of=lambda *_: None))
    mode = AsyncFunctionDescriptor.OutputMode.UNORDERED
    wanted = AsyncFunctionDescriptor(Fails(), Time.seconds(10), 100, async_retry_strategies.NO_RETRY_STRATEGY, mode)
    function = SimpleNamespace(payload=cloudpickle.dumps(wanted), metric_enabled=False, runtime_context=None)
    stage = async_operation.AsyncOperation(function, None)
    stage.set_output_processor(SimpleNamespace(process_outputs=lambda windowed, results: list(results)))
    stage.open()
    yield stage
    stage._emitter.stop()
    stage._async_function_runner.stop()


def test_the_exception_of_an_async_function_is_lost_once_its_queue_is_empty(async_stage):
    """Finding B: `finish()` looks for an exception only while records are in flight; else the bundle succeeds.

    On a cluster the checkpoint then counts the record. Shown on the operation alone: there it is no matter of timing.
    """
    async_stage.process_element(object(), (0, 0, 1))
    deadline = time.monotonic() + 10
    while not (async_stage._queue.is_empty() and async_stage._exception):
        assert time.monotonic() < deadline, "the record stayed in flight"
        time.sleep(0.001)

    async_stage.finish()  # returns, and the checkpoint would go on

    assert "refused" in str(async_stage._exception)
