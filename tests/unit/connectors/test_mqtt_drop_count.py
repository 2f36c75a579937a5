"""What the MQTT broker's counter, which starts again with it, adds up to."""

import pytest

from connectors.mqtt_bridge.drop_count import DropCount
from schemas.bridge_session import BridgeSession
from tests.unit.connectors.in_memory import Clock

NOW_MS = 1_719_800_000_000


def left(total: int | None, counter: int | None, at_ms: int | None = None) -> BridgeSession:
    return BridgeSession(
        client_id="bridge-3", instance="earlier", started=1, filters=(), stored_until=1,
        broker_dropped=total, broker_counter=counter, broker_dropped_at=at_ms,
    )  # fmt: skip


def count_of(found: BridgeSession | None, *seen: int, before: tuple[int, ...] = ()) -> DropCount:
    count = DropCount(Clock(NOW_MS))
    for counter in before:
        count.seen(counter)
    count.start_from(found)
    for counter in seen:
        count.seen(counter)
    return count


def test_a_broker_that_has_never_said_leaves_the_count_unknown() -> None:
    assert count_of(None).figures == (None, None, None)


def test_a_broker_that_says_0_is_known_to_have_dropped_nothing() -> None:
    assert count_of(None, 0).figures == (0, None, 0)


@pytest.mark.parametrize(
    ("found", "seen", "total"),
    [
        pytest.param(None, (7, 7, 9), 9, id="one broker"),
        pytest.param(None, (7, 0, 2), 9, id="the broker starts again"),
        pytest.param(None, (7, 3, 3, 1), 11, id="again and again"),
        pytest.param(left(7, 7), (7,), 7, id="the bridge starts again"),
        pytest.param(left(7, 7), (12,), 12, id="more while the bridge was away"),
        pytest.param(left(20, 7), (2,), 22, id="both start again"),
        pytest.param(left(None, None), (4,), 4, id="the earlier bridge was told nothing"),
        pytest.param(left(0, 0), (), 0, id="nothing new is said"),
    ],
)
def test_only_what_is_new_is_added(found: BridgeSession | None, seen: tuple[int, ...], total: int) -> None:
    assert count_of(found, *seen).total == total


@pytest.mark.parametrize("seen", [(9,), (7, 9, 12), (3,), (3, 8, 12), (3, 12, 1, 2, 2, 5), (12, 0), (0, 12, 30, 4, 9)])
def test_what_is_seen_before_the_record_is_read_counts_as_if_it_was_seen_after(seen: tuple[int, ...]) -> None:
    assert count_of(left(20, 7), before=seen).total == count_of(left(20, 7), *seen).total


def test_a_long_wait_for_the_record_keeps_no_figure_of_each_second() -> None:
    count = DropCount()
    for counter in range(100_000):
        count.seen(counter)
    assert len(count._early) == 2
    count.start_from(None)
    assert count.total == 99_999


def test_the_time_is_that_of_the_last_growth() -> None:
    clock = Clock(NOW_MS)
    count = DropCount(clock)
    count.start_from(left(20, 7, NOW_MS - 1000))
    count.seen(7)
    assert count.grew_ms == NOW_MS - 1000
    clock.now += 60_000
    count.seen(8)
    clock.now += 60_000
    count.seen(8)
    count.seen(0)
    assert count.figures == (21, NOW_MS + 60_000, 0)
