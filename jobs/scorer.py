"""The Scorer that the settings of `score_anomalies` ask for: one place for the job and for `headrace score`."""

from jobs.settings import JobSettings
from models.detectors import Scorer


def make_scorer(settings: JobSettings) -> Scorer:
    """A scorer that has learned nothing.

    Raises
    ------
    ValueError
        When there is no such detector.
    """
    return Scorer(
        settings.detector, alerts_per_week=settings.alerts_per_week, lifetime_s=settings.series_lifetime_s,
        device_groups_per_week=settings.device_groups_per_week,
    )  # fmt: skip
