"""What InfluxDB holds of the windows that are asked for: one request for many series."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from connectors.influxdb.reader import InfluxDBReader, instant, milliseconds, text
from headrace.late_data.decision import StoredWindow
from headrace.late_data.summary import Window
from schemas.window_summary import WINDOWS_MS, WindowSummary

FIELDS = {"count", "mean", "min", "max", "stddev", "last"}
MAX_WINDOW_MS = max(WINDOWS_MS.values())
SPAN_MINUTES = 30
"""Of one series in one query: what a sensor of 100 Hz sends in it is held in memory at once."""
SPANS_A_REQUEST = 20

# The fields beside the value are texts: the device's metadata.
READINGS = 'r._measurement == "reading" and r._field == "value"'
POINTS = 'r._measurement == "reading_window"'
# keep: the fewer columns, the smaller the answer; `window` is there for reading_window only.
QUERY = """\
from(bucket: {bucket}) |> range(start: {start}, stop: {stop})
  |> filter(fn: (r) => {of} and r.device == {device} and r.metric == {metric})
  |> keep(columns: ["_time", "_value", "_field", "window"]) |> yield(name: "{name}")
"""


@dataclass
class Span:
    """Neighbouring windows of one series. Times in ms since the epoch, whole windows of the longest length."""

    device: str
    metric: str
    start: int
    end: int
    windows: list[Window] = field(default_factory=list)
    readings: dict[int, float] = field(default_factory=dict)
    points: dict[tuple[str, int], dict[str, float]] = field(default_factory=dict)
    """(length, window_start) -> field -> value."""

    def stored(self) -> Iterator[StoredWindow]:
        for window in self.windows:
            inside = {at: value for at, value in self.readings.items() if window.start <= at < window.end}
            yield StoredWindow(window, inside, _summary(window, self.points.get((window.length, window.start))))


class StoredWindows:
    """Readings and points of windows, from InfluxDB."""

    def __init__(self, influxdb: InfluxDBReader) -> None:
        self._influxdb = influxdb

    def oldest_kept_ms(self, now_ms: int) -> int:
        """Before it the bucket keeps nothing; 0 if it keeps everything. Raises as InfluxDBReader does."""
        retention_s = self._influxdb.retention_s()
        return now_ms - 1000 * retention_s if retention_s else 0

    def of(self, windows: Collection[Window]) -> Iterator[StoredWindow]:
        """Each window once, in no stated order. Raises as InfluxDBReader does."""
        spans = list(spans_of(windows))
        for first in range(0, len(spans), SPANS_A_REQUEST):
            asked = spans[first : first + SPANS_A_REQUEST]
            self._fill(asked)
            for span in asked:
                yield from span.stored()

    def _fill(self, spans: list[Span]) -> None:
        for row in self._influxdb.rows(query(self._influxdb.bucket, spans)):
            span, at = spans[int(row["result"][1:])], milliseconds(row["_time"])
            if row["result"].startswith("r"):
                span.readings[at] = float(row["_value"])
            else:
                span.points.setdefault((row["window"], at), {})[row["_field"]] = float(row["_value"])


def spans_of(windows: Iterable[Window]) -> Iterator[Span]:
    """Windows of a series that lie in neighbouring minutes together, as far as SPAN_MINUTES."""
    series: dict[tuple[str, str], dict[int, list[Window]]] = defaultdict(lambda: defaultdict(list))
    for window in windows:
        series[window.device, window.metric][window.start // MAX_WINDOW_MS * MAX_WINDOW_MS].append(window)
    for (device, metric), minutes in series.items():
        span: Span | None = None
        for start in sorted(minutes):
            if span is None or start != span.end or span.end - span.start >= SPAN_MINUTES * MAX_WINDOW_MS:
                if span:
                    yield span
                span = Span(device, metric, start, start)
            span.end = start + MAX_WINDOW_MS
            span.windows += minutes[start]
        if span:
            yield span


def query(bucket: str, spans: Iterable[Span]) -> str:
    """Flux with two results a span: r0, p0 are the readings and the points of the first, and so on."""
    return "".join(
        QUERY.format(
            bucket=text(bucket),
            start=instant(span.start),
            stop=instant(span.end),
            of=of,
            device=text(span.device),
            metric=text(span.metric),
            name=f"{prefix}{number}",
        )
        for number, span in enumerate(spans)
        for prefix, of in (("r", READINGS), ("p", POINTS))
    )


def _summary(window: Window, fields: dict[str, float] | None) -> WindowSummary | None:
    # A point that lacks a field was not written by the store: as good as none.
    if fields is None or not fields.keys() >= FIELDS:
        return None
    return WindowSummary(
        device=window.device, metric=window.metric, window=window.length, window_start=window.start, **fields
    )
