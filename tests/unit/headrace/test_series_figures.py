"""Series, devices and metrics per device, as Flink's REST API says them."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from headrace.monitoring.series import LimitFigures, collect

VERTICES = {
    "vertices": [{"id": "v1", "name": "Source: raw -> gather"}, {"id": "v2", "name": "scatter -> limit-series"}]
}
GAUGES = {
    "series": 81, "series_limit": 100, "devices": 7, "devices_limit": 50, "metrics_per_device": 12,
    "metrics_per_device_limit": 1000,
}  # fmt: skip


class JobManager(HTTPServer):
    """Answers as Flink does: the first question for metrics has no answer."""

    vertices = VERTICES
    asked = 0


class Handler(BaseHTTPRequestHandler):
    server: JobManager

    def do_GET(self):
        url = urlsplit(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(self.answer(url)).encode())

    def answer(self, url):
        if url.path == "/jobs/j1":
            return self.server.vertices
        assert url.path == "/jobs/j1/vertices/v2/subtasks/metrics"
        self.server.asked += 1
        query = parse_qs(url.query)
        assert query["agg"] == ["max"]
        names = query["get"][0].split(",") if self.server.asked > 1 else []
        return [{"id": name, "max": float(GAUGES[name.removeprefix("limit-series.")])} for name in names]

    def log_message(self, *_):
        """Not to standard error."""


@pytest.fixture
def server():
    with JobManager(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def address(server):
    return f"127.0.0.1:{server.server_port}"


def test_counts_and_limits_are_the_gauges_of_the_operator_also_where_the_first_answer_is_empty(server):
    assert collect(address(server), "j1") == [
        LimitFigures("series", 81, 100),
        LimitFigures("devices", 7, 50),
        LimitFigures("metrics per device", 12, 1000),
    ]
    assert server.asked == 2


def test_a_job_that_has_not_started_the_operator_has_no_figures(server):
    server.vertices = {}
    assert collect(address(server), "j1") == []
