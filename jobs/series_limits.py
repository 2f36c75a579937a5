"""The limits on series of clean_telemetry, and what the dead letter of a reading beyond one says."""

from flink.series_limits import Limit, SeriesLimits
from jobs.names import CLEAN_TELEMETRY
from jobs.settings import JobSettings


def limits_of(settings: JobSettings) -> SeriesLimits:
    """The limits that the settings name."""
    return SeriesLimits(
        series=_limit(settings, "max_series", "series"),
        devices=_limit(settings, "max_devices", "devices"),
        metrics_per_device=_limit(settings, "max_metrics_per_device", "metrics per device"),
        lifetime_s=settings.series_lifetime_s,
    )


def _limit(settings: JobSettings, setting: str, counted: str) -> Limit:
    maximum: int = getattr(settings, setting)
    detail = (
        f"is a new series beyond the limit of {maximum:,} {counted}: raise {settings.variable(setting)}, submit "
        f"{CLEAN_TELEMETRY} from a savepoint, then replay it"
    )
    return Limit(maximum, detail)
