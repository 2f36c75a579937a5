"""CREATE TABLE for Kafka topics: columns from schemas/, addresses and guarantees from settings."""

from collections.abc import Iterable, Sequence

from pyflink.table import StreamTableEnvironment

from connectors.endpoints import Endpoints
from jobs.names import consumer_group, transactional_id_prefix
from jobs.settings import JobSettings
from schemas.sql import columns
from schemas.topics import MAX_MESSAGE_BYTES, TELEMETRY_RAW, Topic

RAW_COLUMNS = """`device` STRING,
  `payload` BYTES,
  `headers` MAP<STRING, BYTES> METADATA VIRTUAL,
  `partition` INT METADATA VIRTUAL,
  `offset` BIGINT METADATA VIRTUAL,
  `append_time` TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  `proc` AS PROCTIME()"""
"""telemetry.raw: the payload is not parsed by a format, so that a bad one cannot be dropped by it."""

BYTES_COLUMNS = """`device` STRING,
  `record` BYTES,
  `topic` STRING METADATA VIRTUAL,
  `partition` INT METADATA VIRTUAL,
  `offset` BIGINT METADATA VIRTUAL"""
"""Records as the bytes that they are, with their key and where each stands."""

PROCESSING_TIME = "`proc` AS PROCTIME()"

APPEND_TIME = "`append_time` TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL"

APPENDED_MS = "(1000 * EXTRACT(EPOCH FROM append_time) + EXTRACT(MILLISECOND FROM append_time))"
"""SQL: ms since the epoch of `append_time`."""

FETCH_BYTES = 64 * 1024
"""Of one partition at a time, compressed; a larger batch comes whole all the same. Kafka's 1 MiB is 50,000 small
messages: of a backlog the partitions came one after the other, those that waited for their turn counted as idle for
the watermark, and then a quarter of their readings as late (headrace drill run cold-backlog)."""

SEND_BYTES = 128 * 1024
"""Of one partition in one request, before compression. Kafka's 16 KiB are 45 scores: two thirds of what the producer's
thread costs are the requests."""

BYTES_FORMATS = {
    "key.format": "raw", "key.fields": "device", "value.format": "raw", "value.fields-include": "EXCEPT_KEY"
}  # fmt: skip


class KafkaTables:
    """Registers the topics that one job reads and writes."""

    def __init__(self, tables: StreamTableEnvironment, job: str, endpoints: Endpoints, settings: JobSettings) -> None:
        self._tables = tables
        self._job = job
        self._endpoints = endpoints
        self._settings = settings

    def raw_source(self) -> None:
        """telemetry_raw: bytes, headers, position, the broker's time."""
        self._create(TELEMETRY_RAW, RAW_COLUMNS, self._source_options("read_committed") | BYTES_FORMATS)

    def bytes_source(self, name: str, *of: Topic, committed: bool = True, extra_columns: Sequence[str] = ()) -> None:
        """Table `name`: records of some topics in one source, for a Python stage that reads them itself.

        For records that SQL only hands on: bytes cross the border to Python cheaper than columns, and the JVM need not
        read the JSON (docs/adr/0012).
        """
        self._create_table(
            name,
            ";".join(topic.name for topic in of),
            ",\n  ".join([BYTES_COLUMNS, *extra_columns]),
            self._source_options(_isolation(committed)) | BYTES_FORMATS,
        )

    def source(self, topic: Topic, *extra_columns: str, committed: bool = True, **options: str) -> None:
        """A topic of records. With `committed=False` a row is seen before its transaction ends, and maybe twice."""
        # A value that is no JSON object can only come from a foreign producer; it must not stop the job.
        formats = {"format": "json", "json.ignore-parse-errors": "true"}
        # Flink's option names have dots and hyphens: scan__watermark stands for scan.watermark.
        named = {name.replace("__", ".").replace("_", "-"): value for name, value in options.items()}
        body = ",\n  ".join([columns(_record(topic)), *extra_columns])
        self._create(topic, body, self._source_options(_isolation(committed)) | formats | named)

    def sink(self, topic: Topic) -> None:
        """A topic written in transactions that commit with the checkpoint."""
        formats = {"key.fields": topic.key, "value.format": "json", "value.json.encode.ignore-null-fields": "true"}
        self._create(topic, columns(_record(topic)), self._sink_options(topic) | formats)

    def bytes_sink(self, topic: Topic) -> None:
        """The same for records that a Python stage has written out: their key and their JSON."""
        formats = {"key.fields": "key", "value.format": "raw", "value.fields-include": "EXCEPT_KEY"}
        self._create(topic, "`key` BYTES,\n  `record` BYTES", self._sink_options(topic) | formats)

    def counted(self, name: str, column: str) -> None:
        """A table that keeps nothing: its record count is an outcome on the dashboard."""
        self._tables.execute_sql(f"CREATE TEMPORARY TABLE {name} ({column}) WITH ('connector' = 'blackhole')")

    def _source_options(self, isolation: str) -> dict[str, str]:
        return {
            "properties.group.id": consumer_group(self._job),
            "properties.isolation.level": isolation,
            "properties.auto.offset.reset": "earliest",
            "properties.max.partition.fetch.bytes": str(FETCH_BYTES),
            "scan.startup.mode": "group-offsets",
        }

    def _sink_options(self, topic: Topic) -> dict[str, str]:
        return {
            "key.format": "raw",
            "sink.delivery-guarantee": "exactly-once",
            "sink.transactional-id-prefix": transactional_id_prefix(self._job) + topic.name,
            "properties.transaction.timeout.ms": str(self._settings.transaction_timeout_ms),
            "properties.max.request.size": str(MAX_MESSAGE_BYTES),
            "properties.linger.ms": "5",
            "properties.batch.size": str(SEND_BYTES),
            "properties.compression.type": "lz4",
        }

    def _create(self, topic: Topic, body: str, options: dict[str, str]) -> None:
        self._create_table(table_name(topic), topic.name, body, options)

    def _create_table(self, name: str, topics: str, body: str, options: dict[str, str]) -> None:
        common = {"connector": "kafka", "topic": topics, "properties.bootstrap.servers": self._endpoints.kafka}
        self._tables.execute_sql(f"CREATE TEMPORARY TABLE {name} (\n  {body}\n) WITH (\n  {_with(common | options)}\n)")


def table_name(topic: Topic) -> str:
    """telemetry.readings -> telemetry_readings."""
    return topic.name.replace(".", "_").replace("-", "_")


def _isolation(committed: bool) -> str:
    return "read_committed" if committed else "read_uncommitted"


def _record(topic: Topic) -> type:
    if topic.record is None:
        raise TypeError(f"{topic.name} holds bytes, not records: use raw_source()")
    return topic.record


def _with(options: dict[str, str]) -> str:
    return ",\n  ".join(_pairs(options.items()))


def _pairs(options: Iterable[tuple[str, str]]) -> Iterable[str]:
    return (f"'{name}' = '{value.replace(chr(39), chr(39) * 2)}'" for name, value in options)
