"""Topics as folders of JSON lines: the tables of jobs/tables.py without Kafka."""

import base64
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JJavaError
from pyflink.table import StatementSet, StreamTableEnvironment

from jobs.tables import table_name
from schemas.record import Record
from schemas.sql import columns
from schemas.topics import TELEMETRY_RAW, Topic
from tests.raw_messages import Message

RAW_COLUMNS = """`device` STRING,
  `payload` BYTES,
  `headers` MAP<STRING, BYTES>,
  `partition` INT,
  `offset` BIGINT,
  `append_ms` BIGINT,
  `append_time` AS TO_TIMESTAMP_LTZ(`append_ms`, 3),
  `proc` AS PROCTIME()"""

APPEND_TIME = "`append_time` AS TO_TIMESTAMP_LTZ(`append_ms`, 3)"


class FileTables:
    """Registers source and sink tables, executes within a time limit, reads back what was written."""

    def __init__(self, tables: StreamTableEnvironment, folder: Path) -> None:
        self.tables = tables
        self.folder = folder
        self._of_bytes: set[Topic] = set()

    def raw_source(self, messages: Sequence[Message], files: int = 1) -> None:
        """telemetry_raw, the messages with the offsets 0, 1, 2..., in so many files."""
        rows = [raw_row(message, offset) for offset, message in enumerate(messages)]
        folder = self.folder / TELEMETRY_RAW.name
        folder.mkdir()
        for number in range(files):
            _write(folder / f"{number}.json", rows[number::files])
        self._create(table_name(TELEMETRY_RAW), RAW_COLUMNS, folder)

    def source(
        self, topic: Topic, rows: Iterable[dict[str, Any]], *extra_columns: str, name: str | None = None
    ) -> None:
        """A topic of records, each a row as JSON has it."""
        self._source(topic, ",\n  ".join([columns(topic.record), *extra_columns]), rows, name)

    def bytes_source(self, name: str, topic: Topic, records: Iterable[Any]) -> None:
        """Table `name`: records of a topic as bytes, with the device as their key and the offsets 0, 1, 2..."""
        rows = (
            {"device": record.device, "record": _base64(record.model_dump_json().encode())}
            | {"topic": topic.name, "partition": 0, "offset": offset}
            for offset, record in enumerate(records)
        )
        body = "`device` STRING, `record` BYTES, `topic` STRING, `partition` INT, `offset` BIGINT"
        self._source(topic, body, rows, name)

    def records_source(
        self, name: str, records: Sequence[tuple[Topic, str | None, bytes | None]], *extra_columns: str
    ) -> None:
        """Table `name`: records of several topics as key and bytes, with the offsets 0, 1, 2..."""
        rows = [
            {"device": key, "record": None if value is None else _base64(value), "topic": topic.name}
            | {"partition": 0, "offset": offset}
            for offset, (topic, key, value) in enumerate(records)
        ]
        body = "`device` STRING, `record` BYTES, `topic` STRING, `partition` INT, `offset` BIGINT"
        self._source(records[0][0], ",\n  ".join([body, *extra_columns]), rows, name)

    def sink(self, topic: Topic) -> None:
        self._create(table_name(topic), columns(topic.record), self._folder(topic))

    def bytes_sink(self, topic: Topic) -> None:
        self._of_bytes.add(topic)
        self._create(table_name(topic), "`key` BYTES, `record` BYTES", self._folder(topic))

    def execute(self, statements: StatementSet, timeout_s: float = 90) -> None:
        """Run the job to its end. Raises TimeoutError past the limit, and the job is cancelled."""
        result = statements.execute()
        try:
            result.wait(int(timeout_s * 1000))
        except Py4JJavaError as error:
            if "TimeoutException" not in str(error):
                raise
            result.get_job_client().cancel().result()
            raise TimeoutError(f"the job did not end within {timeout_s} s") from error

    def records(self, topic: Topic, of: type[Record] | None = None) -> list[Any]:
        """The records of a sink, in the order they were written. Each must be valid by its definition."""
        files = sorted(path for path in self._folder(topic).rglob("part-*") if path.is_file())
        record = of or topic.record
        lines: Iterable[str | bytes] = (line for path in files for line in path.read_text().split("\n") if line)
        if topic in self._of_bytes:
            lines = (base64.b64decode(json.loads(line)["record"]) for line in lines)
        return [record.model_validate_json(line) for line in lines]

    def _source(self, topic: Topic, body: str, rows: Iterable[dict[str, Any]], name: str | None = None) -> None:
        file = self.folder / f"{topic.name}.json"
        _write(file, rows)
        self._create(name or table_name(topic), body, file)

    def _create(self, name: str, body: str, path: Path) -> None:
        options = f"'connector' = 'filesystem', 'path' = '{path}', 'format' = 'json'"
        nulls = "'json.encode.ignore-null-fields' = 'true'"
        self.tables.execute_sql(f"CREATE TEMPORARY TABLE {name} (\n  {body}\n) WITH ({options}, {nulls})")

    def _folder(self, topic: Topic) -> Path:
        return self.folder / "out" / topic.name


def _write(file: Path, rows: Iterable[dict[str, Any]]) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


def raw_row(message: Message, offset: int) -> dict[str, Any]:
    """A record of telemetry.raw as JSON has it."""
    headers = None if message.headers is None else {name: _base64(value) for name, value in message.headers.items()}
    payload = None if message.payload is None else _base64(message.payload)
    columns = {"device": message.device, "payload": payload, "headers": headers, "append_ms": message.append_ms}
    return columns | {"partition": 0, "offset": offset}


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
