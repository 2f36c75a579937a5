"""clean_telemetry: payloads to readings, duplicates and dead letters. The data flow is the .sql file."""

from collections.abc import Sequence
from typing import Any

from pyflink.common import Types
from pyflink.table import DataTypes, StatementSet, StreamTableEnvironment, Table

from connectors.endpoints import Endpoints
from flink import micro_batch
from flink.functions import register_map_of_frame
from flink.keys import key_by
from flink.naming import named
from flink.series_limits import scatter_within_limits
from jobs import sql_file
from jobs.environment import table_environment
from jobs.names import CLEAN_TELEMETRY
from jobs.operators.decode_sessions import DecodeSessions
from jobs.operators.decode_telemetry import DECODED, GATHERED, DecodeTelemetry
from jobs.operators.micro_batch import BYTES
from jobs.series_limits import limits_of
from jobs.settings import JobSettings
from jobs.tables import KafkaTables
from payload_codecs.registry import KEEP_STATE
from payload_codecs.validation import MAX_DETAIL
from schemas.source import Source
from schemas.topics import DEAD_LETTERS, TELEMETRY_COMMANDS, TELEMETRY_DUPLICATES, TELEMETRY_IGNORED, TELEMETRY_READINGS

JOB = CLEAN_TELEMETRY

NO_SOURCE = "."
"""No source can have this name. Without a stateful source the operators are there too, so that a savepoint fits."""

MAX_BYTES = 256 * 1024
"""Of a micro-batch, about: a thousand messages, or one of the largest. A backlog comes in batches of this size."""

OPTIONS = {"python.fn-execution.bundle.size": "16"}
"""A bundle is answered whole before anything of it is emitted. Of the 1,000 micro-batches that other jobs allow, each a
message of 10,000 items, the answers would be 5 GB."""

_COLUMNS = {
    "key": DataTypes.BYTES(), "is_ignored": DataTypes.BOOLEAN(), "is_command": DataTypes.BOOLEAN(),
    "identity": DataTypes.BYTES(), "value": DataTypes.DOUBLE(), "record": DataTypes.BYTES(),
    "original": DataTypes.BYTES(), "headers": DataTypes.BYTES(), "appended_ms": DataTypes.BIGINT(),
}  # fmt: skip
ITEMS = DataTypes.ROW([DataTypes.FIELD(name, of) for name, of in _COLUMNS.items()])
"""What jobs/operators/telemetry_decoder.py makes of each item."""


def build(tables: StreamTableEnvironment, settings: JobSettings, sources: Sequence[Source] = ()) -> StatementSet:
    """telemetry_raw -> telemetry_readings, _duplicates, _ignored, _commands, and dead_letters."""
    of_sessions = [source for source in sources if source.codec in KEEP_STATE]
    of_messages = [source for source in sources if source.codec not in KEEP_STATE]
    limits = limits_of(settings)

    def gather(tables: StreamTableEnvironment) -> Table:
        bounds = (1 + settings.buckets, settings.micro_batch_ms, MAX_BYTES)
        return micro_batch.gather(tables, tables.from_path("messages"), "gather", *bounds)

    def decode(tables: StreamTableEnvironment) -> Table:
        micro_batches = tables.to_append_stream(tables.sql_query("SELECT * FROM gathered WHERE bucket = 0"), GATHERED)
        decoded = micro_batches.process(DecodeTelemetry(_plain(of_messages)), output_type=DECODED)
        return tables.from_data_stream(decoded.uid("decode").name("decode"))

    def decode_sessions(tables: StreamTableEnvironment) -> Table:
        micro_batches = key_by(tables, tables.sql_query("SELECT * FROM gathered WHERE bucket > 0"), Types.INT(), BYTES)
        decoded = micro_batches.process(DecodeSessions(_plain(of_sessions)), output_type=DECODED)
        return tables.from_data_stream(decoded.uid("decode-sessions").name("decode-sessions"))

    def scatter(tables: StreamTableEnvironment) -> Table:
        uids, identified_by = ("scatter", "limit-series"), ("key", "identity")
        return scatter_within_limits(tables, tables.from_path("decoded"), uids, ITEMS, identified_by, limits)

    def deduplicate(tables: StreamTableEnvironment) -> Table:
        return named(tables, tables.from_path("counted"), "OverAggregate", "deduplicate")

    register_map_of_frame(tables)
    constants = {
        "max_detail": str(MAX_DETAIL), "buckets": str(settings.buckets),
        "session_sources": ", ".join(f"'{source.name}'" for source in of_sessions) or f"'{NO_SOURCE}'",
    }  # fmt: skip
    stages = {
        "gather": gather, "decode": decode, "decode_sessions": decode_sessions, "scatter": scatter,
        "deduplicate": deduplicate,
    }  # fmt: skip
    return sql_file.load(tables, JOB, constants, stages)


def _plain(sources: Sequence[Source]) -> list[dict[str, Any]]:
    return [source.model_dump(mode="json", exclude_defaults=True) for source in sources]


def main() -> None:
    settings, endpoints = JobSettings(), Endpoints.load()
    lifetime = {"table.exec.state.ttl": f"{settings.duplicates_lifetime_s} s"}
    tables = table_environment(JOB, **OPTIONS, **lifetime)
    topics = KafkaTables(tables, JOB, endpoints, settings)
    topics.raw_source()
    for topic in (TELEMETRY_READINGS, TELEMETRY_DUPLICATES, TELEMETRY_IGNORED, TELEMETRY_COMMANDS, DEAD_LETTERS):
        topics.bytes_sink(topic)
    build(tables, settings, settings.declared_sources().sources).execute()


if __name__ == "__main__":
    main()
