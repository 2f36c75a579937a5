import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.mqtt_bridge.acknowledgements import Acknowledgements, RecordRefused
from tests.unit.connectors.in_memory import Confirmation


@given(st.permutations(range(12)), st.integers(1, 12))
def test_acknowledged_in_the_order_of_receipt_whatever_order_kafka_stores_in(stored: list[int], looks: int) -> None:
    waiting = Acknowledgements()
    confirmations = [Confirmation() for _ in stored]
    for number, confirmation in enumerate(confirmations):
        waiting.received(number + 1, 10, confirmation)
    released: list[int] = []
    for count, number in enumerate(stored):
        confirmations[number].is_done = True
        if count % looks == 0:
            released += waiting.release()
            assert all(confirmations[each - 1].is_done for each in released)
    released += waiting.release()
    assert released == list(range(1, 13))
    assert len(waiting) == 0
    assert waiting.bytes_waiting == 0


@given(st.lists(st.sampled_from(["receive", "receive", "store", "lose", "release"]), max_size=80), st.randoms())
def test_no_identifier_of_a_lost_connection_is_ever_released(steps: list[str], random: object) -> None:
    waiting = Acknowledgements()
    open_: list[Confirmation] = []
    connection, expected, released = 0, [], []
    identifiers: dict[int, int] = {}
    for number, step in enumerate(steps, start=1):
        if step == "receive":
            open_.append(Confirmation())
            identifiers[number] = connection
            expected.append(number)
            waiting.received(number, 1, open_[-1])
        elif step == "store" and open_:
            open_.pop(random.randrange(len(open_))).is_done = True  # type: ignore[attr-defined]
        elif step == "lose":
            waiting.connection_lost()
            connection += 1
        elif step == "release":
            released_now = waiting.release()
            assert all(identifiers[each] == connection for each in released_now)
            released += released_now
    assert released == sorted(released)
    assert len(set(released)) == len(released)


def test_nothing_behind_an_unstored_message_is_released() -> None:
    waiting, first, second = Acknowledgements(), Confirmation(), Confirmation(is_done=True)
    waiting.received(1, 1, first)
    waiting.received(2, 1, second)
    assert waiting.release() == []
    first.is_done = True
    assert waiting.release() == [1, 2]


def test_messages_without_identifier_take_memory_and_need_no_acknowledgement() -> None:
    waiting = Acknowledgements()
    waiting.received(0, 7, Confirmation(is_done=True))
    assert (len(waiting), waiting.bytes_waiting) == (1, 7)
    assert waiting.release() == []
    assert (len(waiting), waiting.bytes_waiting) == (0, 0)


def test_a_refused_record_is_an_error_and_is_not_released() -> None:
    waiting = Acknowledgements()
    waiting.received(1, 1, Confirmation(is_done=True))
    waiting.received(2, 1, Confirmation(is_done=True, exception=ValueError("too large")))
    with pytest.raises(RecordRefused, match="too large"):
        waiting.release()


def test_what_was_lost_before_counts_until_kafka_stores_it() -> None:
    waiting, confirmation = Acknowledgements(), Confirmation()
    waiting.received(1, 5, confirmation)
    waiting.connection_lost()
    waiting.connection_lost()
    assert (len(waiting), waiting.bytes_waiting) == (1, 5)
    waiting.received(1, 5, Confirmation(is_done=True))
    confirmation.is_done = True
    assert waiting.release() == [1]
