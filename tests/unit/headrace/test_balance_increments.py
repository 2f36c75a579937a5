"""Any order of the topics, cut into any increments, gives the verdict of one full scan."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.kafka.reading import PartitionBatch
from headrace.reconciliation.ingest import Ingest
from headrace.reconciliation.ledger import LedgerFile
from schemas.window_summary import WINDOWS_MS
from tests.unit.headrace.balance_topics import (
    DUPLICATES,
    LATE,
    LETTERS,
    RAW,
    READINGS,
    WINDOWS,
    InMemoryPoints,
    InMemoryStates,
    duplicate,
    kafka_record,
    late,
    letter,
    position,
    reading,
    window,
)

DEVICES = ("pump", "valve")

OUTCOMES = ("reading", "late", "duplicate", "bad", "lost", "twice", "not stored", "stored wrongly", "in no window")


@dataclass
class World:
    """What the topics hold, each partition in its order, and the stores at the end."""

    logs: defaultdict = field(default_factory=lambda: defaultdict(list))
    """(topic, partition) -> offsets and values; transaction markers take offsets too."""
    points: InMemoryPoints = field(default_factory=InMemoryPoints)
    states: InMemoryStates = field(default_factory=InMemoryStates)
    windowed: Counter = field(default_factory=Counter)
    newest: tuple = (-1, 0.0)
    """Of the one device whose state is stored."""

    def append(self, topic, partition, value, markers=0):
        log = self.logs[topic, partition]
        offset = log[-1][0] + 1 + markers if log else markers
        log.append((offset, value))
        return offset

    def item(self, outcome, at, device, time):
        """One item leaves the cleaning, and goes on from there."""
        partition = DEVICES.index(device)
        if outcome == "duplicate":
            self.append(DUPLICATES, partition, duplicate(at))
        elif outcome == "bad":
            self.append(LETTERS, 0, letter(at))
        elif outcome != "lost":
            for copy in range(1 + (outcome == "twice")):
                made = reading(at, device, time=time, value=time + copy)
                self.append(READINGS, partition, made, markers=time % 2)
                self.stored(outcome, made)

    def stored(self, outcome, made):
        if outcome == "late":
            self.append(LATE, 0, late(made))
        elif outcome != "in no window":
            self.windowed += Counter(
                (made.device, length, made.event_time // ms * ms) for length, ms in WINDOWS_MS.items()
            )
        if outcome == "stored wrongly":
            self.points.store(made.model_copy(update={"value": -1.0}))
        elif outcome != "not stored":
            self.points.store(made)
            if made.device == "pump":
                self.newest = max(self.newest, (made.event_time, made.value))

    def close_windows(self):
        for (device, length, start), count in self.windowed.items():
            self.append(WINDOWS, 0, window(length, start, count, device))


times = st.integers(0, 90).map(lambda step: step * 1000)
items = st.tuples(st.sampled_from(OUTCOMES), times)
messages = st.tuples(
    st.integers(0, 1), st.sampled_from(DEVICES), st.integers(0, 2), st.lists(items, min_size=1, max_size=3)
)


@st.composite
def worlds(draw):
    world = World()
    for raw_partition, device, markers, drawn in draw(st.lists(messages, max_size=8)):
        offset = world.append(RAW, raw_partition, b"{}", markers)
        for number, (outcome, time) in enumerate(drawn):
            world.item(outcome, position(offset, number, len(drawn), raw_partition), device, time)
    for time in draw(st.lists(times, max_size=2)):
        world.points.store(reading(position(0), draw(st.sampled_from((*DEVICES, "ghost"))), time=time + 1, value=0.5))
    world.close_windows()
    world.states.store("pump", "flow", *world.newest)
    return world


def batches(world, random):
    """The topics in pieces: within a partition in its order, else in any."""
    pieces = defaultdict(list)
    for (topic, partition), log in world.logs.items():
        start, taken = 0, 0
        while taken < len(log):
            cut = random.randint(taken + 1, len(log))
            records = [kafka_record(topic, partition, offset, value) for offset, value in log[taken:cut]]
            pieces[topic, partition].append(PartitionBatch(topic, partition, start, log[cut - 1][0] + 1, records))
            start, taken = log[cut - 1][0] + 1, cut
    while pieces:
        chosen = random.choice(sorted(pieces))
        yield pieces[chosen].pop(0)
        if not pieces[chosen]:
            del pieces[chosen]


def check(ledger, world):
    """Looks into the stores. They are what they are at the end of all increments: ahead of what was read."""
    found = ledger.points.check(world.points, lambda *_: True, compare_from_ms=ledger.compare_from_ms, judged_from_ms=0)
    ledger.compare_from_ms = found.compare_from_ms
    states = ledger.states.check(world.states, lambda *_: True, now_ms=0, judged_from_ms=0)
    return found, states


def verdict(file, world):
    with file.balance() as ledger:
        found, states = check(ledger, world)
        return {
            "totals": ledger.totals,
            "missing": list(ledger.messages.missing()),
            "doubled": list(ledger.messages.doubled()),
            "windows": sorted((each.series, each.length, each.start_ms, each.open) for each in ledger.windows.open()),
            "points": ledger.points.differences(),
            "unknown": sorted(found.unknown),
            "behind": sorted((each.device, each.time, each.value) for each in states.behind),
            "ahead": sorted((each.device, each.time, each.value) for each in states.ahead),
        }


@given(worlds(), st.randoms(use_true_random=False), st.sets(st.integers(0, 20)))
@settings(deadline=None)
def test_any_increments_give_the_verdict_of_one_scan(world, random, balances_after):
    at_once, in_increments = LedgerFile(), LedgerFile()
    with at_once.balance() as ledger:
        for (topic, partition), log in sorted(world.logs.items()):
            records = [kafka_record(topic, partition, offset, value) for offset, value in log]
            Ingest(ledger).add(PartitionBatch(topic, partition, 0, log[-1][0] + 1, records))
    pieces = list(batches(world, random))
    while pieces:
        with in_increments.balance() as ledger:
            for number in range(len(pieces)):
                Ingest(ledger).add(pieces.pop(0))
                if number in balances_after:
                    break
            ledger.windows.sweep(0)
            check(ledger, world)

    assert verdict(in_increments, world) == verdict(at_once, world)
