"""`headrace balance`: what it prints, and what it says with its exit status."""

import json

import pytest
from rich.console import Console
from typer.testing import CliRunner

from headrace.cli.balance import table_of
from headrace.cli.main import app
from headrace.errors import BalanceFailed
from headrace.reconciliation import balance as accounting
from headrace.reconciliation.balance import Balance
from headrace.reconciliation.difference import MAX_NAMED, Difference, named
from headrace.reconciliation.mqtt_sessions import lost_periods
from headrace.reconciliation.totals import Totals
from schemas.bridge_session import BridgeSession, SessionLoss

MISSING = Difference("items missing", "telemetry.raw", 1, 120, 131)


@pytest.fixture
def balance(monkeypatch, tmp_path):
    """The command with balances that are given to it one after the other, the last again and again."""

    def command(*balances, options=()):
        left = list(balances)

        def take(*_):
            taken = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(taken, BaseException):
                raise taken
            return taken

        monkeypatch.setattr(accounting, "_reconcile", take)
        monkeypatch.setattr(accounting, "PAUSE_S", 0.0)
        return CliRunner().invoke(app, ["balance", "--home", str(tmp_path), *options])

    return command


def test_a_balance_that_holds_exits_with_0(balance):
    shown = balance(Balance(Totals(messages=3)))
    assert (shown.exit_code, "It balances" in shown.output) == (0, True)


def test_a_difference_is_named_and_exits_with_1(balance):
    shown = balance(Balance(Totals(), differences=[MISSING], waiting=["store_redis is behind"]))
    assert shown.exit_code == 1
    assert "telemetry.raw[1] 120..131: items missing" in shown.output


def test_what_is_under_way_is_no_difference_and_exits_with_3(balance):
    shown = balance(Balance(Totals(), waiting=["2 windows are not closed yet"]))
    assert (shown.exit_code, "2 windows are not closed yet" in shown.output) == (3, True)


def test_within_waits_for_what_is_under_way(balance):
    under_way, holds = Balance(Totals(), waiting=["2 windows are not closed yet"]), Balance(Totals())
    assert balance(under_way, under_way, holds, options=["--within", "30"]).exit_code == 0
    assert balance(under_way, options=["--within", "0.01"]).exit_code == 3


def test_json_is_one_object_with_where_each_difference_is(balance):
    shown = balance(Balance(Totals(messages=3), differences=[MISSING]), options=["--json"])
    printed = json.loads(shown.output)
    assert (printed["holds"], printed["drained"], printed["messages"]) == (False, True, 3)
    assert printed["differences"] == [
        {
            "what": "items missing",
            "topic": "telemetry.raw",
            "partition": 1,
            "first": 120,
            "last": 131,
            "text": "telemetry.raw[1] 120..131: items missing",
        }
    ]


def test_watch_prints_one_object_a_line_until_interrupted_and_waits_for_kafka(balance):
    holds, kafka_unavailable = Balance(Totals(messages=3)), BalanceFailed("Kafka does not answer")
    shown = balance(holds, kafka_unavailable, KeyboardInterrupt(), options=["--watch", "--every", "0.5", "--json"])
    first, second = map(json.loads, shown.output.splitlines())
    assert (first["holds"], second["waiting"], second["messages"]) == (True, ["Kafka does not answer"], 3)
    assert shown.exit_code == 3


def test_watch_shows_the_last_balance_and_leaves_with_its_status(balance):
    differs = Balance(Totals(), differences=[MISSING])
    shown = balance(Balance(Totals()), differs, KeyboardInterrupt(), options=["--watch", "--every", "0.5"])
    assert shown.exit_code == 1
    assert "telemetry.raw[1] 120..131: items missing" in shown.output


def test_a_gap_is_named_and_no_difference(balance):
    gaps = named("retention took it before it was judged", "telemetry.raw", [(0, 0, 99)])
    shown = balance(Balance(Totals(), gaps=gaps))
    assert shown.exit_code == 0
    assert "telemetry.raw[0] 0..99: retention took it" in shown.output


def test_kafka_away_is_one_line_and_no_ledger_is_made(tmp_path):
    shown = CliRunner().invoke(app, ["balance", "--home", str(tmp_path / "none"), "--port-offset", "39999"])
    assert shown.exit_code == 1
    assert "does not answer" in shown.stderr
    assert len(shown.stderr.splitlines()) == 1
    assert not (tmp_path / "none").exists()


def test_of_very_many_ranges_the_first_are_named_and_the_others_counted():
    found = named(
        "items missing", "telemetry.raw", ((0, 10 * number, 10 * number + 1) for number in range(MAX_NAMED + 7))
    )
    assert len(found) == MAX_NAMED + 1
    assert str(found[-1]) == "items missing in 7 more ranges of telemetry.raw, 14 offsets"


def test_square_brackets_of_an_offset_are_text_and_no_markup():
    console = Console(record=True, width=100)
    console.print(table_of(Balance(Totals(), differences=[MISSING])))
    assert "telemetry.raw[1] 120..131" in console.export_text()


def test_what_the_mqtt_broker_may_have_lost_is_named_and_the_verdict_does_not_speak_of_it(balance):
    session = BridgeSession(
        client_id="bridge-7", instance="a", started=1, filters=(), stored_until=1,
        losses=(SessionLoss(since=1_719_800_000_000, until=1_719_800_060_000),),
    )  # fmt: skip
    gaps = list(lost_periods({"bridge-7": session}, now_ms=1_719_800_100_000))
    shown = balance(Balance(Totals(), gaps=gaps))
    assert shown.exit_code == 0
    text = " ".join(shown.output.split())
    assert "session of bridge-7: messages published between 2024-07-01T02:13:20Z and 2024-07-01T02:14:20Z" in text
    assert "nothing lost" not in text


def test_a_loss_before_what_telemetry_raw_holds_is_named_no_more():
    loss = SessionLoss(since=1, until=2)
    session = BridgeSession(client_id="b", instance="a", started=1, filters=(), stored_until=1, losses=(loss,))
    assert list(lost_periods({"b": session}, now_ms=1_719_800_100_000)) == []


def test_dropped_messages_that_nobody_knows_of_are_unknown_and_not_0(balance):
    def shown(taken):
        (line,) = [line for line in balance(taken).output.splitlines() if "that the MQTT broker dropped" in line]
        return line.split()

    assert "unknown" in shown(Balance(Totals()))
    assert "1,200" in shown(Balance(Totals(), broker_dropped=1200))
