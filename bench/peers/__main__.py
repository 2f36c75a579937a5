"""The same readings through the same Kafka by other stream processors with River, and by Headrace.

    python -m bench.peers [--detector gaussian|half-space-trees ...] [--readings 1000000] [--backlog-within 150]
        [--series 2000] [--system WORD ...]

Every system reads telemetry.readings from its beginning and writes a score for each reading, from a model of its own
for each series. What is measured, and how each peer is set up: docs/reference/peers.md.
"""

import argparse
import os
import subprocess
from collections.abc import Iterator, Sequence

from bench.command_line import run
from bench.peers.expected import Expected, OfRiver, OfScorer
from bench.peers.readings import SERIES, Readings
from bench.peers.run import measure
from bench.peers.systems import PEERS, HeadraceJob, Peer, PeerProcess
from bench.peers.table import HEADRACE, Row, table
from bench.stack import bench_stack
from connectors.kafka.clients import create_topics
from schemas.topics import Topic
from stack.layout import Layout

SERVERS = "zookeeper,kafka,forkserver,jobmanager,taskmanager"
HEADRACE_DETECTORS = {
    "gaussian": {
        HEADRACE: "gaussian",
        f"{HEADRACE}, its default detector": "novelty",
        f"{HEADRACE}, River's object wrapped": "river:anomaly:GaussianScorer",
    },
    "half-space-trees": {
        HEADRACE: "half-space-trees",
        f"{HEADRACE}, River's object wrapped": "river-half-space-trees",
    },
}
"""Detector of the peers -> name of the row -> detector of the job."""
STEADY_READINGS = 50_000
"""More than one system is sent at the steady rate."""


def main() -> None:
    arguments = _arguments()
    wants_flink = any(_is_wanted(name, arguments.system) for ours in HEADRACE_DETECTORS.values() for name in ours)
    with bench_stack("--only", SERVERS if wants_flink else "kafka") as layout:
        bootstrap = layout.endpoints.kafka
        create_topics(bootstrap)
        readings = Readings(bootstrap, arguments.readings + 20 * STEADY_READINGS, arguments.series)
        readings.send(arguments.readings)
        print(
            f"{arguments.readings:,} readings of {arguments.series:,} series; load {os.getloadavg()[0]:.1f}", flush=True
        )
        rows: list[Row] = []
        for detector in arguments.detector:
            rows += _rows(layout, detector, readings, arguments.system, arguments.backlog_within)
    print(f"load at the end {os.getloadavg()[0]:.1f}, cores {os.cpu_count()}\n")
    print(table(rows))


def _rows(layout: Layout, detector: str, readings: Readings, words: Sequence[str], within_s: float) -> Iterator[Row]:
    for name, ours in HEADRACE_DETECTORS[detector].items():
        if _is_wanted(name, words):
            job = HeadraceJob(layout, ours)
            yield measure(job, name, detector, layout.endpoints.kafka, readings, OfScorer(ours), within_s)
    expected = OfRiver(detector)
    for number, peer in enumerate(PEERS):
        if _is_wanted(peer.name, words):
            yield _peer(layout, peer, f"bench.{detector}.{number}", detector, readings, expected, within_s)


def _is_wanted(name: str, words: Sequence[str]) -> bool:
    return not words or any(word.lower() in name.lower() for word in words)


def _peer(
    layout: Layout, peer: Peer, topic: str, detector: str, readings: Readings, expected: Expected, within_s: float
) -> Row:
    bootstrap = layout.endpoints.kafka
    scores = Topic(topic, None, "Scores of a peer.")
    create_topics(bootstrap, [scores])
    try:
        process = PeerProcess(peer, bootstrap, detector, scores, layout.folder("peers"))
    except subprocess.CalledProcessError as error:
        return Row(detector, peer.name, note=(error.stderr or str(error)).strip().splitlines()[-1])
    return measure(process, peer.name, detector, bootstrap, readings, expected, within_s)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--detector", nargs="+", choices=list(HEADRACE_DETECTORS), default=list(HEADRACE_DETECTORS))
    parser.add_argument("--series", type=int, default=SERIES)
    parser.add_argument("--readings", type=int, default=1_000_000, help="backlog; at least 300 of each series")
    parser.add_argument(
        "--backlog-within", type=float, default=150.0, help="s; a system that is slower gets no figures"
    )
    parser.add_argument("--system", nargs="+", default=[], help="only those whose name has one of these words")
    return parser.parse_args()


if __name__ == "__main__":
    run(main)
