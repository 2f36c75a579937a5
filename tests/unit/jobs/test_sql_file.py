"""The .sql files: how they are read, and what must hold for each of them."""

import re
from importlib import import_module
from importlib.resources import files

import pytest

from connectors.endpoints import Endpoints, StackSettings
from jobs import sql_file
from jobs.names import ALL_JOBS
from jobs.settings import JobSettings
from jobs.sql_file import load, statements
from jobs.tables import KafkaTables, table_name
from schemas.reject_reasons import RejectReason
from schemas.topics import TOPICS

every_job = pytest.mark.parametrize("job", ALL_JOBS)

RECORDS = [topic for topic in TOPICS if topic.record]
SOURCES_OF_NO_TOPICS_NAME = {"clock_ticks", "inputs", "readings", "records", "committed_records"}
REASON_IN_PYTHON = "SPLIT_INDEX(refusal, ' ', 0)"
"""Of what jobs/operators/write_to_store.py answers."""

WRITTEN_IN_PYTHON = "SELECT key, record FROM dead_letter_records"
SINKS_OF_NO_TOPIC = {"stored_in_influxdb", "stored_in_redis"}


def sql_of(job):
    return files("jobs").joinpath(f"{job}.sql").read_text()


class RecordingTables:
    """Takes the calls that load() and KafkaTables make on a table environment."""

    def __init__(self):
        self.views, self.inserts, self.executed, self.functions = {}, [], [], []

    def create_statement_set(self):
        return self

    def add_insert_sql(self, statement):
        self.inserts.append(statement)

    def sql_query(self, query):
        return query

    def create_temporary_view(self, name, table):
        self.views[name] = table

    def create_temporary_function(self, name, function):
        self.functions.append(name)

    create_java_temporary_function = create_temporary_function

    def execute_sql(self, statement):
        self.executed.append(statement)


@pytest.fixture
def load_text(monkeypatch, tmp_path):
    """load() of a file with that text."""
    monkeypatch.setattr(sql_file, "files", lambda package: tmp_path)

    def load_text(text, *args, **how):
        (tmp_path / "trial.sql").write_text(text)
        tables = RecordingTables()
        load(tables, "trial", *args, **how)
        return tables

    return load_text


def test_a_statement_ends_with_a_semicolon_at_the_end_of_a_line():
    assert statements("SELECT ';' AS a;\nSELECT 2;  \nSELECT 3") == ["SELECT ';' AS a", "SELECT 2", "SELECT 3"]


def test_comment_lines_are_no_part_of_a_statement():
    assert statements("-- why; and how;\nSELECT\n  -- more;\n  1;\n-- the end\n") == ["SELECT\n\n  1"]


def test_views_and_inserts_are_registered_in_the_order_of_the_file(load_text):
    tables = load_text(
        "CREATE TEMPORARY VIEW a AS\nSELECT 1;\nCREATE TEMPORARY VIEW b AS SELECT * FROM a;\nINSERT INTO c SELECT 2;"
    )
    assert list(tables.views.items()) == [("a", "SELECT 1"), ("b", "SELECT * FROM a")]
    assert tables.inserts == ["INSERT INTO c SELECT 2"]


def test_constants_are_put_in_literally(load_text):
    assert load_text("INSERT INTO a SELECT ${x}, ${x};", {"x": r"'\1 \g<0>'"}).inserts == [
        r"INSERT INTO a SELECT '\1 \g<0>', '\1 \g<0>'"
    ]


def test_a_constant_that_is_not_provided_is_an_error_with_its_name(load_text):
    with pytest.raises(KeyError, match="lengths"):
        load_text("INSERT INTO a SELECT ${lengths};")


def test_an_operator_stands_where_its_view_is_named(load_text):
    seen = []

    def double(tables):
        seen.append(dict(tables.views))
        return "doubled"

    text = "CREATE TEMPORARY VIEW a AS SELECT 1;\nCREATE TEMPORARY VIEW b AS OPERATOR double;\nINSERT INTO c SELECT 2;"
    assert load_text(text, operators={"double": double}).views == {"a": "SELECT 1", "b": "doubled"}
    assert seen == [{"a": "SELECT 1"}]


def test_an_operator_that_is_not_provided_is_an_error_with_its_name(load_text):
    with pytest.raises(KeyError, match="treble"):
        load_text("CREATE TEMPORARY VIEW b AS OPERATOR treble;")


@every_job
def test_every_constant_and_operator_of_a_job_is_provided(job, monkeypatch):
    tables = built(job, monkeypatch)
    assert tables.inserts
    assert "${" not in "".join([*tables.inserts, *map(str, tables.views.values())])


@every_job
def test_every_statement_of_a_file_is_a_view_or_an_insert(job):
    for statement in statements(sql_of(job)):
        assert re.match(r"(CREATE TEMPORARY VIEW|INSERT INTO) \w+", statement), statement[:100]


@every_job
def test_every_insert_goes_to_a_topic_or_to_a_count(job):
    targets = set(re.findall(r"^INSERT INTO (\w+)", sql_of(job), re.MULTILINE))
    assert targets <= {table_name(topic) for topic in TOPICS} | SINKS_OF_NO_TOPIC


COLUMNS_AFTER_FROM = {"seen_watermark", "append_time", "variance", "window_start", "window_end"}
"""EXTRACT(... FROM column) and the like."""


@every_job
def test_a_view_reads_only_what_stands_above_it(job):
    sources = {table_name(topic) for topic in TOPICS} | SOURCES_OF_NO_TOPICS_NAME
    known = set(sources)
    for statement in statements(sql_of(job)):
        read = set(re.findall(r"(?:FROM|JOIN|TABLE)\s+(?!UNNEST|TUMBLE|HOP)\(?(?:TABLE )?([a-z_]+)\b(?!\()", statement))
        assert read - COLUMNS_AFTER_FROM <= known, statement[:100]
        if view := re.match(r"CREATE TEMPORARY VIEW (\w+)", statement):
            known.add(view[1])


@every_job
def test_every_reason_of_a_job_is_on_the_closed_list(job):
    reasons = set(re.findall(r"(?:THEN|ELSE|WHEN|SELECT\s+1,)\s+'([a-z0-9]+_[a-z0-9_]+)'", sql_of(job)))
    reasons |= set(re.findall(r"^\s+'([a-z]+_[a-z_]+)',$", sql_of(job), re.MULTILINE))
    reasons |= set(re.findall(r"'([a-z_]+)' AS reason", sql_of(job)))
    # The others get them from Python, where they are members of RejectReason.
    from_python = WRITTEN_IN_PYTHON in sql_of(job) or REASON_IN_PYTHON in sql_of(job)
    assert reasons or "INSERT INTO dead_letters" not in sql_of(job) or from_python
    assert reasons <= set(RejectReason)


@every_job
def test_a_dead_letter_names_the_job_as_its_stage(job):
    letters = [s for s in statements(sql_of(job)) if s.startswith("INSERT INTO dead_letters")]
    for letter in letters:
        assert f"'{job}'" in letter or WRITTEN_IN_PYTHON in letter


def declared_by(job, monkeypatch):
    """The DDL that a job's main() runs."""
    tables = RecordingTables()
    module = import_module(f"jobs.{job}")
    monkeypatch.setattr(module, "table_environment", lambda *_, **__: tables)
    monkeypatch.setattr(module, "build", lambda *_: type("Nothing", (), {"execute": lambda self: None})())
    monkeypatch.setattr(module.Endpoints, "load", lambda: Endpoints.local(StackSettings()))
    module.main()
    return tables.executed


@pytest.mark.parametrize("job", ["window_telemetry", "window_usage"])
def test_a_partition_without_records_is_left_out_after_the_setting(job, monkeypatch):
    assert "'scan.watermark.idle-timeout' = '60 s'" in "".join(declared_by(job, monkeypatch))
    monkeypatch.setenv("HEADRACE_JOB_IDLE_TIMEOUT_S", "7")
    assert "'scan.watermark.idle-timeout' = '7 s'" in "".join(declared_by(job, monkeypatch))


@every_job
def test_a_job_declares_no_table_twice_and_all_that_it_writes(job, monkeypatch):
    executed = declared_by(job, monkeypatch)
    declared = re.findall(r"CREATE TEMPORARY TABLE (\w+)", "\n".join(executed))
    assert len(declared) == len(set(declared))
    assert set(re.findall(r"^INSERT INTO (\w+)", sql_of(job), re.MULTILINE)) <= set(declared)


def test_every_sink_is_written_in_transactions_with_a_prefix_of_its_job():
    tables = RecordingTables()
    topics = KafkaTables(tables, "trial", Endpoints.local(StackSettings()), JobSettings())
    for topic in RECORDS:
        topics.sink(topic)
    for topic, ddl in zip(RECORDS, tables.executed, strict=True):
        assert "'sink.delivery-guarantee' = 'exactly-once'" in ddl
        assert f"'sink.transactional-id-prefix' = 'headrace-trial-{topic.name}'" in ddl


def test_a_source_skips_what_is_no_json_and_reads_committed_unless_told():
    tables = RecordingTables()
    topics = KafkaTables(tables, "trial", Endpoints.local(StackSettings()), JobSettings())
    topics.source(TOPICS[1])
    topics.source(TOPICS[1], committed=False, scan__watermark__idle_timeout="30 s")
    assert "'read_committed'" in tables.executed[0]
    assert "'read_uncommitted'" in tables.executed[1]
    assert "'scan.watermark.idle-timeout' = '30 s'" in tables.executed[1]
    assert all("'json.ignore-parse-errors' = 'true'" in ddl for ddl in tables.executed)


def test_bytes_are_no_source_of_records():
    topics = KafkaTables(RecordingTables(), "trial", Endpoints.local(StackSettings()), JobSettings())
    with pytest.raises(TypeError, match="raw_source"):
        topics.source(TOPICS[0])


def built(job, monkeypatch):
    """What build() of a job registers. Stages outside of SQL are named, not made."""
    tables, module = RecordingTables(), import_module(f"jobs.{job}")
    made = sql_file.load

    def load(tables, job, constants=None, operators=None):
        return made(tables, job, constants, dict.fromkeys(operators or {}, str))

    monkeypatch.setattr(sql_file, "load", load)
    with_settings = (
        "clean_telemetry", "score_anomalies", "score_churn", "count_usage", "recommend_items",
        "measure_recommendations",
    )  # fmt: skip
    arguments = dict.fromkeys(with_settings, (JobSettings(),)) | {"store_influxdb": ("127.0.0.1:1",)}
    module.build(tables, *arguments.get(job, ()))
    return tables
