"""One correction against real servers, their errors in one line."""

from connectors.endpoints import Endpoints
from connectors.influxdb.reader import InfluxDBReader
from connectors.kafka.clients import KafkaClientError, require_reachable
from connectors.stores import StoreError
from headrace.errors import WindowsNotCorrected
from headrace.late_data.influxdb_windows import StoredWindows
from headrace.late_data.late_topic import LateTopic
from headrace.late_data.recompute import Correction, CorrectionResult
from headrace.late_data.store_progress import StoreProgress
from headrace.late_data.window_topic import WindowTopic


def correct(
    endpoints: Endpoints, *, since_ms: int | None = None, dry_run: bool = False, wait_s: float = 30.0
) -> CorrectionResult:
    """See Correction.run. Raises WindowsNotCorrected; the next run does what this one could not."""
    try:
        require_reachable(endpoints.kafka)
        influxdb = StoredWindows(InfluxDBReader.connect(endpoints))
        with LateTopic.connect(endpoints.kafka) as late, WindowTopic(endpoints.kafka) as windows:
            correction = Correction(late, influxdb, StoreProgress(endpoints.kafka), windows)
            return correction.run(since_ms=since_ms, dry_run=dry_run, wait_s=wait_s)
    except (KafkaClientError, StoreError) as error:
        raise WindowsNotCorrected(
            f"{error or type(error).__name__}. No late reading is lost: the next run goes on where the last one "
            "stopped. What runs:  headrace status"
        ) from error
