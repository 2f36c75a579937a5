"""A Bytewax dataflow whose state is one River model a series; its recovery is switched on by the command line.

python -m bytewax.run "bytewax_flow:scores('BOOTSTRAP', 'INPUT', 'OUTPUT', 'DETECTOR')" -r FOLDER -s 5 -b 0
"""

from typing import Any

import bytewax.operators as op
import orjson
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource, KafkaSourceMessage
from bytewax.dataflow import Dataflow
from river_models import make, score_and_learn


def scores(bootstrap: str, source: str, target: str, detector: str) -> Dataflow:
    """Readings -> scores, at least once."""

    def keyed(message: KafkaSourceMessage) -> tuple[str, dict[str, Any]]:
        return message.key.decode(), orjson.loads(message.value)

    def judged(model: Any, reading: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        model = make(detector) if model is None else model
        return model, reading | {"score": score_and_learn(model, reading["value"])}

    def message(scored: tuple[str, dict[str, Any]]) -> KafkaSinkMessage:
        return KafkaSinkMessage(scored[0].encode(), orjson.dumps(scored[1]))

    flow = Dataflow("scores")
    readings = op.map("keyed", op.input("readings", flow, KafkaSource([bootstrap], [source])), keyed)
    scored = op.stateful_map("score", readings, judged)
    op.output("scores", op.map("message", scored, message), KafkaSink([bootstrap], target))
    return flow
