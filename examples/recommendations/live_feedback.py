"""What measure_recommendations has counted of an experiment, as InfluxDB holds it."""

from collections import Counter
from collections.abc import Iterable, Mapping

from connectors.influxdb.reader import instant, text
from jobs.settings import MAX_MEASURED_EVERY_S
from schemas.experiment import CONTROL, TREATMENT, Experiment

Counts = Mapping[str, Counter[str]]
"""Source of a list -> action, or SHOWN -> how often."""

_QUERY = """
from(bucket: {bucket})
  |> range(start: {start}, stop: 2100-01-01T00:00:00Z)
  |> filter(fn: (r) => r._measurement == "recommendations" and r._field == "events")
  |> filter(fn: (r) => {arms})
  |> group(columns: ["source", "action"])
  |> sum()
"""


def query(bucket: str, experiment: Experiment, began_ms: int) -> str:
    """Flux that sums up all lists and actions of both arms; none of them is before `began_ms`.

    A point stands at the start of its window, which may be as long before the first list as a window can be. How long
    they are is the running job's setting, and not ours.
    """
    arms = " or ".join(f"r.arm == {text(experiment.label(arm))}" for arm in (CONTROL, TREATMENT))
    return _QUERY.format(bucket=text(bucket), start=instant(began_ms - 1000 * MAX_MEASURED_EVERY_S), arms=arms)


def counts(rows: Iterable[Mapping[str, str]]) -> Counts:
    """Of the rows of an answer."""
    found: dict[str, Counter[str]] = {}
    for row in rows:
        found.setdefault(row["source"], Counter())[row["action"]] += int(row["_value"])
    return found
