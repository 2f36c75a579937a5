"""Outcomes of experiments from the topics `exposures` and `interactions`, as they are now."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from pydantic import ValidationError

from connectors.kafka_scan import scan
from models.experiments.attribution import Outcomes
from schemas.experiment import Experiment
from schemas.exposure import Exposure
from schemas.interaction import Interaction
from schemas.topics import EXPOSURES, INTERACTIONS, Topic

R = TypeVar("R", Exposure, Interaction)


def from_topics(kafka: str, experiments: Sequence[Experiment]) -> tuple[list[Outcomes], int]:
    """The outcomes of each, and how many records were none: whoever reads them for the stream refuses them too."""
    outcomes = [Outcomes(experiment) for experiment in experiments]
    unreadable = 0
    for exposure in _records(kafka, EXPOSURES, Exposure):
        if exposure is None:
            unreadable += 1
            continue
        for each in outcomes:
            each.exposed(exposure)
    for interaction in _records(kafka, INTERACTIONS, Interaction):
        if interaction is None:
            unreadable += 1
            continue
        for each in outcomes:
            each.acted(interaction)
    return outcomes, unreadable


def _records(kafka: str, topic: Topic, record: type[R]) -> Iterator[R | None]:
    for message in scan(kafka, topic):
        try:
            yield record.model_validate_json(message.value or b"")
        except ValidationError:
            yield None
