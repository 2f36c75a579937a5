"""What was dropped, by those who know."""

import pytest

from connectors.broker_drops import BrokerDrops, broker_drops
from schemas.bridge_session import BridgeSession


def of_bridge(dropped: int | None, at_ms: int | None = None) -> BridgeSession:
    return BridgeSession(
        client_id="b", instance="a", started=1, filters=(), stored_until=1,
        broker_dropped=dropped, broker_dropped_at=at_ms,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "bridges", "drops"),
    [
        (None, [], BrokerDrops(None)),
        (None, [of_bridge(None)], BrokerDrops(None)),
        (0, [], BrokerDrops(0)),
        (0, [of_bridge(None)], BrokerDrops(0)),
        (None, [of_bridge(170, 5000)], BrokerDrops(170, 5000)),
        (0, [of_bridge(170, 5000)], BrokerDrops(170, 5000)),
        (170, [of_bridge(170, 5000)], BrokerDrops(170, 5000)),
        (171, [of_bridge(170, 5000)], BrokerDrops(171)),
        (None, [of_bridge(3, 9000), of_bridge(None), of_bridge(4, 5000)], BrokerDrops(4, 5000)),
        (None, [of_bridge(0), of_bridge(0)], BrokerDrops(0)),
    ],
)
def test_the_larger_figure_is_taken_and_bridges_do_not_add_up(
    asked: int | None, bridges: list[BridgeSession], drops: BrokerDrops
) -> None:
    assert broker_drops(asked, bridges) == drops


@pytest.mark.parametrize(
    ("drops", "some"),
    [
        (BrokerDrops(None), False),
        (BrokerDrops(0), False),
        (BrokerDrops(3), True),
        (BrokerDrops(3, 1000), True),
        (BrokerDrops(3, 999), False),
    ],
)
def test_drops_of_an_unknown_time_are_not_taken_for_old_ones(drops: BrokerDrops, some: bool) -> None:
    assert drops.some_since(1000) is some
