"""The job score_churn against onnxruntime alone: CPU of a Python worker for one row.

    python -m bench.churn_job [DATA.csv [MODEL]]

Two loops run in processes beside the job, with the same graph and outputs, batches as large as the job's, one thread.
The one that the limit is for reads the rows' JSON, as a script of a few lines would; the other has tensors already,
which is what the graph costs and no program that gets rows can reach. Ours is the job, Kafka to Kafka, exactly once: it
reads JSON, looks at every value, scores, puts reasons in words and writes records.
"""

import json
import math
import statistics
import sys
from collections.abc import Iterable, Sequence
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import orjson
from kafka import KafkaConsumer

from bench.command_line import run
from bench.job_cost import Cost, run_job
from bench.reference_process import ReferenceProcess
from bench.report import verdict
from bench.stack import bench_stack
from bench.topic_ends import TopicEnds
from connectors.kafka.clients import create_topics, producer
from examples.churn.customers import as_json_has_them, write_example
from headrace.model_store.publishing import publish
from models.churn.artifact import export
from models.churn.contract import MISSING
from models.churn.onnx_model import REASON_OUTPUTS, SCORE_OUTPUTS, ChurnModel
from models.churn.settings import load_settings
from models.churn.tables import read_table
from models.churn.training import prepare, train
from schemas.churn_score import ChurnScore
from schemas.topics import CHURN_SCORES, CUSTOMERS
from stack.layout import Layout

SERVERS = "zookeeper,kafka,forkserver,jobmanager,taskmanager"
MODEL, VERSION = "logistic", "bench"
ROWS = 600_000
DISTINCT = 20_000
BATCH = 1_500
"""About what a micro-batch of the job holds."""
ROUNDS = 3
COMPARED = 1_000
MAX_DIFFERENCE = 1e-6
"""Sums of float32 in batches of other lengths end in other last bits."""
LIMIT = 2.5
OUTPUTS = (*SCORE_OUTPUTS, *REASON_OUTPUTS)
BLANKS = {"number": (np.float32, math.nan), "category": (object, MISSING)}
BEGIN_MS = 1_790_000_000_000


def main() -> None:
    with TemporaryDirectory() as folder, bench_stack("--only", SERVERS) as layout:
        model, values = _model(layout, Path(folder))
        _fill(layout, values)
        champion = layout.home / "models" / "churn" / "champion" / VERSION
        with ReferenceProcess(_bare, champion, values) as bare, ReferenceProcess(_reading, champion, values) as reading:

            def mark() -> None:
                bare.mark()
                reading.mark()

            costs = run_job(
                layout,
                "jobs.score_churn",
                [],
                ROWS,
                TopicEnds(layout.endpoints.kafka, CHURN_SCORES),
                windows=ROUNDS,
                at_mark=mark,
            )
            windows = [
                (bare.cost_us(cost.begin, cost.end), reading.cost_us(cost.begin, cost.end), cost) for cost in costs
            ]
        _print(windows)  # also if the risks then differ
        _require_equal_risks(layout, model, values)
    print(f"risks of the first {COMPARED} rows are the model's")
    ratio = statistics.median(cost.python_us / bare_us for bare_us, _, cost in windows)
    print(f"churn worker: {ratio:.3g} times bare onnxruntime, which is given tensors")
    ratio = statistics.median(cost.python_us / reading_us for _, reading_us, cost in windows)
    print(verdict("churn worker", ratio, "times onnxruntime that is given the same rows", LIMIT, at_least=False))


def _print(windows: Iterable[tuple[float, float, Cost]]) -> None:
    for bare_us, reading_us, cost in windows:
        print(
            f"onnxruntime {bare_us:5.2f} us, with its rows' JSON {reading_us:5.2f} us; "
            f"worker {cost.python_us:5.2f} us, JVM {cost.jvm_us:5.2f} us a row",
            flush=True,
        )


def _model(layout: Layout, folder: Path) -> tuple[ChurnModel, list[dict[str, Any]]]:
    """Trained on the table, and champion; and rows of the table as JSON has them."""
    given = sys.argv[1:]
    data = Path(given[0]) if given else folder / "customers.csv"
    if not given:
        write_example(data, n=5_000)
    settings = load_settings(models=(given[1] if len(given) > 1 else MODEL,), trials=1)
    prepared = prepare(read_table(data), settings)
    artifact = export(train(prepared, settings), prepared, settings, folder / "made", VERSION)
    root = layout.folder("models", "churn")
    model = ChurnModel.load(root / publish(root, artifact.folder, VERSION).folder)
    rows = prepared.table.sample(DISTINCT, replace=True, random_state=7).to_dict("records")
    return model, as_json_has_them(model.contract.columns, rows)


def _fill(layout: Layout, values: Sequence[dict[str, Any]]) -> None:
    """As change capture writes rows."""
    create_topics(layout.endpoints.kafka)
    client = producer(layout.endpoints.kafka, client_id="bench", linger_ms=20)
    for number in range(ROWS):
        key = f"customer-{number:07}"
        row = {"customer_id": key, **values[number % len(values)], "__deleted": "false", "__source_lsn": number}
        row["__source_ts_ms"] = BEGIN_MS + number
        client.send(CUSTOMERS.name, key=key.encode(), value=json.dumps(row).encode())
    client.flush()
    client.close()
    print(f"{ROWS:,} rows of {len(row)} columns in {CUSTOMERS.name}", flush=True)


def _bare(folder: Path, values: Sequence[dict[str, Any]], counted: "Synchronized[int]") -> None:
    """Onnxruntime alone, again and again."""
    model = ChurnModel.load(folder)
    columns = _columns(model)
    batches = [_tensors(columns, values[start : start + BATCH]) for start in range(0, len(values), BATCH)]
    while True:
        for batch in batches:
            model.session.run(OUTPUTS, batch)
            counted.value += BATCH


def _reading(folder: Path, values: Sequence[dict[str, Any]], counted: "Synchronized[int]") -> None:
    """What a person writes who has rows of JSON and a graph: nothing is checked, a null is a blank."""
    model = ChurnModel.load(folder)
    rows = [json.dumps(row).encode() for row in values]
    columns = _columns(model)
    while True:
        for start in range(0, len(rows), BATCH):
            read = [orjson.loads(row) for row in rows[start : start + BATCH]]
            model.session.run(OUTPUTS, _tensors(columns, read))
            counted.value += BATCH


def _tensors(columns: Sequence[tuple[str, Any]], rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The graph's raw columns, by their names."""
    return {name: _column([row[name] for row in rows], *blank) for name, blank in columns}


def _column(cells: list[Any], dtype: Any, blank: Any) -> Any:
    return np.array([blank if cell is None else cell for cell in cells], dtype).reshape(-1, 1)


def _columns(model: ChurnModel) -> list[tuple[str, Any]]:
    return [(each.name, BLANKS[each.kind]) for each in model.contract.columns]


def _require_equal_risks(layout: Layout, model: ChurnModel, values: Sequence[dict[str, Any]]) -> None:
    """What the job wrote first, against the model in this process."""
    expected = model.predict(model.columns_of(values[:COMPARED])).probabilities
    wanted = {f"customer-{number:07}": float(risk) for number, risk in enumerate(expected)}
    consumer = KafkaConsumer(
        CHURN_SCORES.name, bootstrap_servers=layout.endpoints.kafka, auto_offset_reset="earliest",
        consumer_timeout_ms=20_000,
    )  # fmt: skip
    compared = 0
    for record in consumer:
        score = ChurnScore.model_validate_json(record.value)
        if score.customer in wanted:
            compared += 1
            if not abs((score.risk or 0.0) - wanted[score.customer]) <= MAX_DIFFERENCE:
                raise SystemExit(f"{score.customer}: the job says {score.risk!r}, the model {wanted[score.customer]!r}")
        if compared == COMPARED:
            break
    consumer.close()
    if compared < COMPARED:
        raise SystemExit(f"of the first {COMPARED} rows only {compared} were scored")


if __name__ == "__main__":
    run(main)
