"""`headrace churn features`: what was known at a moment, from the topic to the table that is trained on."""

from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from connectors.atomic_write import atomic_write_text
from connectors.kafka.reading import PartitionBatch
from connectors.pseudonym_key import PseudonymKey
from connectors.pseudonyms import KEY_FILE
from headrace.churn import usage_history
from headrace.churn.usage_history import UsageHistory, features_known
from headrace.churn.usage_table import alone, joined
from headrace.cli.main import app
from headrace.errors import FeaturesNotMade
from models.churn.errors import UnusableTable
from schemas.usage import UsageHour
from schemas.usage_features import GRACE_MS, HOUR_MS, MAX_AGE_MS, NO_USAGE, USAGE_FEATURES, UsageSource, as_of_at

NOW = 1_764_000_000_000
DAY_MS = 24 * HOUR_MS


def counted(customer, hour_start, events=1, source=UsageSource.TELEMETRY):
    return UsageHour(customer=customer, source=source, hour_start=hour_start, events=events)


def known(*records, as_of=NOW):
    history = UsageHistory()
    history.add(records)
    found = history.features(as_of)
    history.close()
    return found


def test_the_newest_hour_known_is_one_whose_grace_is_over():
    assert as_of_at(NOW + GRACE_MS - 1) == NOW - HOUR_MS
    assert as_of_at(NOW + GRACE_MS) == NOW
    assert as_of_at(NOW + GRACE_MS + HOUR_MS - 1) == NOW


def test_windows_end_with_the_hour_and_begin_a_day_and_a_week_before():
    ages_h = (0, 1, 24, 25, 168, 169)
    records = [(counted("a", NOW - age * HOUR_MS, 10**age_place), NOW) for age_place, age in enumerate(ages_h)]
    found = known(*records)["a"]
    assert found["usage_readings_1d"] == 110
    assert found["usage_readings_7d"] == 11_110
    assert found["usage_device_hours_7d"] == 4
    assert (found["usage_interactions_7d"], found["usage_interaction_hours_7d"]) == (0, 0)


def test_records_of_one_hour_add_up_and_are_one_hour():
    found = known(*[(counted("a", NOW - HOUR_MS, 2, UsageSource.INTERACTIONS), NOW + n) for n in range(3)])["a"]
    assert found["usage_interactions_1d"] == 6
    assert found["usage_interaction_hours_7d"] == 1


@pytest.mark.parametrize(("appended", "is_known"), [(NOW + GRACE_MS - 1, True), (NOW + GRACE_MS, False)])
def test_what_kafka_took_after_the_grace_is_not_known(appended, is_known):
    assert bool(known((counted("a", NOW - HOUR_MS), appended))) is is_known


def test_numbers_as_large_as_a_bigint_do_not_lose_a_digit():
    found = known((counted("a", NOW - HOUR_MS, 2**53 + 1), NOW), (counted("a", NOW - HOUR_MS, 2), NOW))["a"]
    assert found["usage_readings_1d"] == 2**53 + 3


@given(st.lists(st.tuples(st.integers(-200, 3), st.integers(0, 9), st.integers(-5, 300)), max_size=20))
def test_what_comes_later_changes_no_hour_before(events):
    records = [(counted("a", NOW + h * HOUR_MS, n), NOW + late * HOUR_MS) for h, n, late in events]
    early = [each for each in records if each[1] < NOW + GRACE_MS]
    assert known(*records) == known(*early)


class Log:
    """A topic of one partition: (record or bytes, appended) at each offset, of which retention took the first ones."""

    def __init__(self, *records, taken=0, there=True):
        self._records, self._taken, self._there = records, taken, there
        self.read_from = self.read_to = None

    def partitions(self, topics):
        return [(topic, 0) for topic in topics] if self._there else []

    def first_offsets(self, partitions):
        return dict.fromkeys(partitions, self._taken)

    def committed_ends(self, partitions):
        return dict.fromkeys(partitions, len(self._records))

    def offsets_at(self, partitions, time_ms):
        later = [n for n, (_, appended) in enumerate(self._records) if appended >= time_ms and n >= self._taken]
        return dict.fromkeys(partitions, later[0] if later else None)

    def read(self, starts, ends):
        (((topic, number), start),) = starts.items()
        self.read_from, self.read_to = start, ends[topic, number]
        found = [
            SimpleNamespace(
                timestamp=appended, value=value if isinstance(value, bytes | None) else value.model_dump_json().encode()
            )
            for value, appended in self._records[start : self.read_to]
        ]
        yield PartitionBatch(topic, number, start, self.read_to, found)


def test_only_what_can_be_in_a_window_is_read():
    long_ago, week, late = NOW - MAX_AGE_MS - HOUR_MS - 1, NOW - 7 * DAY_MS, NOW + GRACE_MS
    log = Log(*[(counted("a", at, 1), at) for at in (long_ago, long_ago, week, NOW - HOUR_MS, late, late)])
    assert features_known(log, NOW)["a"]["usage_readings_7d"] == 2
    assert (log.read_from, log.read_to) == (2, 4)


def test_what_is_no_record_of_the_topic_is_passed_over():
    log = Log((b"{", NOW), (None, NOW), (b'{"customer": "a"}', NOW), (counted("a", NOW - HOUR_MS), NOW))
    assert features_known(log, NOW)["a"]["usage_readings_7d"] == 1


def test_a_week_of_which_retention_took_a_part_is_refused():
    records = [(counted("a", NOW - age * DAY_MS), NOW - age * DAY_MS) for age in (9, 5, 3, 1)]
    with pytest.raises(FeaturesNotMade, match=r"no longer kept \(only 90 days are\)"):
        features_known(Log(*records, taken=2), NOW)
    assert features_known(Log(*records), NOW)["a"]["usage_readings_7d"] == 3


def test_retention_that_took_what_was_before_the_week_does_not_matter():
    records = [(counted("a", NOW - age * DAY_MS), NOW - age * DAY_MS) for age in (9, 8, 3, 1)]
    assert features_known(Log(*records, taken=1), NOW)["a"]["usage_readings_7d"] == 2


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (Log(there=False), "headrace up"),
        (Log(), "headrace submit count_usage window_usage"),
        (Log((counted("a", NOW - 30 * DAY_MS), NOW - 30 * DAY_MS)), "headrace submit count_usage window_usage"),
    ],
)
def test_nothing_counted_is_no_table_of_zeros(log, words):
    with pytest.raises(FeaturesNotMade, match=words):
        features_known(log, NOW)


USED = NO_USAGE | {"usage_readings_7d": 5}


def test_a_customer_without_usage_has_zeros_and_the_others_columns_stay():
    table = pd.DataFrame({"customer_id": ["b", "a", "b"], "bill": ["1", "", "3"]})
    made = joined(table, "customer_id", {"a": USED, "gone": USED})
    assert made["usage_readings_7d"].tolist() == [0, 5, 0]
    assert made[list(table)].equals(table)
    assert list(made) == ["customer_id", "bill", *NO_USAGE]


def test_without_a_table_each_customer_with_usage_is_a_row():
    assert alone({"a": USED}, "customer").to_dict("records") == [{"customer": "a"} | USED]
    assert list(alone({}, "customer")) == ["customer", *NO_USAGE]


def test_a_table_without_the_column_or_with_a_feature_of_its_own_is_refused():
    with pytest.raises(UnusableTable, match=r"No column 'customer_id'.*Name one with --customer-column: id"):
        joined(pd.DataFrame({"id": ["a"]}), "customer_id", {})
    with pytest.raises(UnusableTable, match="has a column usage_readings_7d already"):
        joined(pd.DataFrame({"customer_id": ["a"], "usage_readings_7d": ["1"]}), "customer_id", {})


def test_every_feature_has_a_name_of_its_own_that_says_it_is_usage():
    names = [feature.name for feature in USAGE_FEATURES]
    assert len(set(names)) == len(names)
    assert all(name.startswith("usage_") for name in names)
    assert all(feature.meaning.endswith(".") for feature in USAGE_FEATURES)


def run(tmp_path, *arguments):
    (tmp_path / "customers.csv").write_text("customer_id,bill\na,1\nb,2\n")
    out, home = tmp_path / "out.csv", tmp_path / "home"
    command = ["churn", "features", "--out", str(out), "--home", str(home), *arguments]
    return CliRunner().invoke(app, command), out


def test_the_command_writes_the_joined_table_and_says_of_when(tmp_path, monkeypatch):
    asked = []
    key = PseudonymKey.new()
    atomic_write_text(tmp_path / "home" / "secrets" / KEY_FILE, key.text())
    known = {key.pseudonym("a"): USED}
    monkeypatch.setattr(usage_history, "features_from_kafka", lambda _, as_of: asked.append(as_of) or known)
    customers = ("--customers", str(tmp_path / "customers.csv"))
    shown, out = run(tmp_path, "--as-of", "2025-11-24T16:20:00Z", *customers)
    assert shown.exit_code == 0, shown.output
    assert shown.output.endswith("out.csv, 1 of them with usage, as of 2025-11-24T16:00:00Z\n")
    assert asked == [1_764_000_000_000]
    assert pd.read_csv(out)["usage_readings_7d"].tolist() == [5, 0]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--as-of", "2999-01-01"), 2, "is in the future"),
        (("--as-of", "noon"), 2, "is not a time"),
        (("--as-of", "1700000000000000"), 2, "is not a time"),
        (("--as-of", "1970-01-01"), 2, "is before 2010"),
        (("--as-of", "2009-12-31T23:59:59Z"), 2, "is before 2010"),
        (("--as-of", "99999999d"), 2, "is before 2010"),
        (("--as-of", "9" * 400 + "d"), 2, "is before 2010"),
        (("--as-of", "1h", "--customers", "{there}", "--customer-column", "id"), 1, "No column 'id'"),
        (("--as-of", "1h", "--customers", "{there}.none"), 1, "cannot be read"),
        (("--as-of", "1h", "--port-offset", "39999"), 1, "headrace up"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line_and_nothing_is_written(tmp_path, arguments, code, words):
    shown, out = run(tmp_path, *[each.format(there=tmp_path / "customers.csv") for each in arguments])
    assert shown.exit_code == code
    assert words in " ".join(shown.stderr.split())
    assert not out.exists()
