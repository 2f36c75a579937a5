"""Outcomes of experiments from the topics `exposures` and `interactions`, as they are now."""

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import ValidationError

from connectors.kafka.scan import scan
from models.experiments.attribution import Outcomes
from schemas.experiment import Experiment
from schemas.exposure import Exposure
from schemas.interaction import Interaction
from schemas.record import Record
from schemas.topics import EXPOSURES, INTERACTIONS, Topic

TAKEN: tuple[tuple[Topic, type[Record], Callable[[Outcomes, Any], None]], ...] = (
    (EXPOSURES, Exposure, Outcomes.exposed),
    (INTERACTIONS, Interaction, Outcomes.acted),
)


def from_topics(kafka: str, experiments: Sequence[Experiment]) -> tuple[list[Outcomes], int]:
    """The outcomes of each, and how many records were none: whoever reads them for the stream refuses them too."""
    outcomes = [Outcomes(experiment) for experiment in experiments]
    unreadable = 0
    for topic, record, take in TAKEN:
        for message in scan(kafka, topic):
            try:
                found = record.model_validate_json(message.value or b"")
            except ValidationError:
                unreadable += 1
                continue
            for each in outcomes:
                take(each, found)
    return outcomes, unreadable
