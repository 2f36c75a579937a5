"""Columns that name a row, and columns of dates, whatever they are called and however few values they have."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.churn.dates import is_date
from models.churn.errors import UnusableTable
from models.churn.identifiers import is_identifier_number, is_named_as_identifier
from models.churn.schema import DATE, IDENTIFIER, infer
from models.churn.target import target_of

N = 300
DRAW = np.random.default_rng(9)
NINE_DIGITS = DRAW.choice(np.arange(708_000_000, 829_000_000, 977), N, replace=False)


def table_of(**columns):
    n = len(next(iter(columns.values())))
    draw = np.random.default_rng(4)
    return pd.DataFrame(
        {name: pd.Series(map(str, cells), dtype=object) for name, cells in columns.items()}
        | {"calls": draw.integers(0, 9, n).astype(str), "churn": draw.choice(["yes", "no"], n)}
    )


def schema_of(table, **options):
    return infer(table, target_of(table), **options)


def reason(name, cells, **options):
    schema = schema_of(table_of(**{name: cells}), **options)
    return {each.name: each.reason for each in schema.dropped}.get(name)


IDENTIFIERS: dict[str, Any] = {
    "CLIENTNUM": NINE_DIGITS,
    "some column": NINE_DIGITS,
    "customer_id": DRAW.choice(N * 50, N, replace=False),
    "CustomerID": DRAW.choice(N * 5000, N, replace=False),
    "account": DRAW.choice(90_000, N, replace=False),
    "Kundennummer": DRAW.choice(900_000, N, replace=False),
    "msisdn": [f"49170{number:07}" for number in DRAW.choice(9_999_999, N, replace=False)],
    "RowNumber": range(1, N + 1),
    "Unnamed: 0": range(N),
    "index": range(N),
    "grows": np.cumsum(DRAW.integers(1, 90, N)),
    "every hundredth": DRAW.permutation(np.arange(N) * 100 + 7),
    "shuffled": DRAW.permutation(np.arange(5_000))[:N],
    "as a float": [f"{number}.0" for number in NINE_DIGITS],
    "padded": [f"{number:08}" for number in DRAW.choice(9_999_999, N, replace=False)],
    "uuid": [uuid.UUID(int=int(number) << 70) for number in NINE_DIGITS],
    "mail": [f"user{number}@example.org" for number in range(N)],
    "phone": [f"+49 170 {number:07}" for number in DRAW.choice(9_999_999, N, replace=False)],
    "Phone Number": [f"(555) {100 + number % 900}-{number * 7:04}" for number in range(N)],
    "hash": [f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}" for number in range(N)],
}


@pytest.mark.parametrize("name", IDENTIFIERS)
def test_what_names_a_row_is_an_identifier(name):
    assert reason(name, IDENTIFIERS[name]) == IDENTIFIER
    assert schema_of(table_of(**{name: IDENTIFIERS[name]})).identifier == name


@pytest.mark.parametrize("name", ["customer_id", "CLIENTNUM", "mail"])
def test_a_customer_with_two_rows_is_still_named_by_the_identifier(name):
    cells = list(IDENTIFIERS[name])
    assert reason(name, [*cells, *cells[:40]]) == IDENTIFIER


MEASUREMENTS = {
    "balance": DRAW.lognormal(8, 2, N).round(2),
    "TotalCharges": DRAW.gamma(2, 900, N).round(2),
    "EstimatedSalary": DRAW.uniform(1e4, 2e5, N).round(2),
    "account_balance": DRAW.choice(900_000, N, replace=False),
    "salary": DRAW.permutation(np.arange(20_000, 90_000))[:N],
    "whole and wide": DRAW.choice(250_000, N, replace=False),
    "monthly income": np.sort(DRAW.choice(90_000, N, replace=False)),
    "number_of_calls": DRAW.integers(0, 400, N),
    "account length": DRAW.integers(1, 243, N),
    "negative": DRAW.permutation(np.arange(-5_000, 90_000))[:N],
    "small and exact": DRAW.normal(size=N).round(6),
}


@pytest.mark.parametrize("name", MEASUREMENTS)
def test_a_measurement_stays_a_number_though_no_two_rows_have_the_same(name):
    schema = schema_of(table_of(**{name: MEASUREMENTS[name]}))
    assert name in schema.of_kind("number")
    assert schema.identifier is None


@settings(max_examples=40)
@given(st.permutations(range(18, 90)).map(lambda ages: ages[:50]))
def test_distinct_ages_of_few_customers_are_no_identifier(ages):
    table = table_of(age=ages * 2).head(100)
    assert "age" in schema_of(table).of_kind("number")
    distinct = pd.Series([str(age) for age in ages], dtype=object, name="jahre")
    assert not is_identifier_number(distinct, distinct.astype(float))


def test_customers_with_many_rows_each_are_still_named_by_their_identifier():
    assert reason("customer_id", np.repeat(NINE_DIGITS[:60], 6)) == IDENTIFIER
    assert reason("plan_code", np.repeat(NINE_DIGITS[:60], 6)) != IDENTIFIER


def test_of_several_identifiers_the_customer_s_names_the_scores():
    table = table_of(RowNumber=range(N), Mail=IDENTIFIERS["mail"], CustomerId=IDENTIFIERS["CustomerID"])
    assert schema_of(table).identifier == "CustomerId"
    assert schema_of(table, identifier="Mail").identifier == "Mail"
    assert schema_of(table, drop=["CustomerId"]).identifier == "CustomerId"
    kept = schema_of(table, keep=["CustomerId"])
    assert kept.identifier == "Mail"
    assert "CustomerId" in kept.of_kind("number")


def test_an_identifier_that_cannot_be_one_is_said():
    table = table_of(number=range(N))
    for name, words in {"no such": "No column 'no such' for --id", "churn": "the target too"}.items():
        with pytest.raises(UnusableTable, match=words):
            schema_of(table, identifier=name)
    with pytest.raises(UnusableTable, match="in --keep too"):
        schema_of(table, identifier="calls", keep=["calls"])


def test_sentences_are_no_identifier():
    assert reason("comment", [f"The customer called about bill {n}." for n in range(N)]).startswith("free text")


@given(st.sampled_from(["amount", "balance", "Umsatz", "TotalCharges", "days", "n_orders"]))
def test_a_measure_is_not_named_as_an_identifier(name):
    assert not is_named_as_identifier(name)


FORMATS = [
    *("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d.%m.%y", "%m/%d/%Y", "%m/%d/%y", "%d-%m-%Y", "%Y-%m", "%Y%m%d"),
    *(
        "%Y-%m-%dT%H:%M:%SZ",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%d %H:%M:%S.%f",
        "%Y-%m-%dT%H:%M:%S+02:00",
        "%m/%d/%Y %I:%M %p",
    ),
    *("%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %Y", "%d-%b-%y", "%a, %d %b %Y", "%d.%m.%Y %H:%M", "%b-%y"),
]
MOMENTS = st.datetimes(datetime(1950, 1, 1), datetime(2049, 12, 31))  # a date as people write it


@pytest.mark.parametrize("written", FORMATS)
@given(moment=MOMENTS)
def test_a_date_is_a_date_in_any_usual_form(written, moment):
    text = moment.strftime(written)
    assert is_date(text) or written == "%Y%m%d"


@pytest.mark.parametrize("written", FORMATS)
@pytest.mark.parametrize("distinct", [3, 40, N])
def test_dates_are_named_and_not_used_however_few_there_are(written, distinct):
    first = datetime(2021, 1, 1, tzinfo=UTC)
    cells = [(first + timedelta(days=17 * (number % distinct))).strftime(written) for number in range(N)]
    assert reason("joined", cells) == DATE


@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000])
def test_seconds_since_1970_are_dates(unit):
    cells = [unit * (1_700_000_000 + 86_400 * (number % 50)) for number in range(N)]
    assert reason("created_at" if unit == 1 else "x", cells) == DATE


def test_dates_with_a_word_for_none_are_dates():
    assert reason("last_contact", ["2024-01-05", "2024-02-07", "never"] * 100) == DATE


@pytest.mark.parametrize(
    "text", ["1.2.3", "12:30", "May", "Mark-2300", "13/45/2020", "2024-19-01", "10.0.0.1", "5 stars"]
)
def test_what_looks_like_a_date_and_is_none(text):
    assert not is_date(text)


@given(st.lists(st.text(max_size=60), min_size=1))
def test_any_text_has_a_verdict(cells):
    schema = schema_of(table_of(x=[cells[number % len(cells)].strip() for number in range(N)]))
    assert ("x" in schema.alone) != ("x" in {each.name for each in schema.dropped})
