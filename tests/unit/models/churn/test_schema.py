"""What a table's columns are taken for."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.churn.errors import UnusableTable
from models.churn.number_text import MISSING_WORDS
from models.churn.schema import infer
from models.churn.tables import cleaned
from models.churn.target import target_of
from tests.unit.models.churn.customers import customers, noise


def schema_of(table, **options):
    return infer(table, target_of(table), **options)


def reasons(schema):
    return {dropped.name: dropped.reason for dropped in schema.dropped}


def test_numbers_as_text_with_blanks_are_numbers_that_may_be_missing():
    (total,) = [column for column in schema_of(customers()).columns if column.name == "total"]
    assert (total.kind, total.nullable) == ("number", True)


def test_a_number_without_blanks_may_not_be_missing():
    (months,) = [column for column in schema_of(customers()).columns if column.name == "months"]
    assert not months.nullable


def test_a_blank_category_is_a_category():
    (payment,) = [column for column in schema_of(customers()).columns if column.name == "payment"]
    assert payment.categories == ("", "bank", "card")


def test_identifier_and_constant_are_named_and_dropped():
    schema = schema_of(customers())
    assert schema.identifier == "customer_id"
    assert reasons(schema)["customer_id"].startswith("identifier")
    assert reasons(schema)["country"].startswith("constant: 'NL'")


def test_whole_numbers_that_count_the_rows_are_an_identifier():
    table = customers().drop(columns="customer_id")
    table["position"] = np.arange(1000, 1000 + len(table)).astype(str)
    assert schema_of(table).identifier == "position"


def test_distinct_measurements_are_no_identifier():
    assert "x0" in schema_of(noise(300, 1)).of_kind("number")


def test_a_column_that_knows_the_answer_is_dropped_unless_it_is_kept():
    table = customers()
    table["refund"] = np.where(table["churn"] == "Yes", "12.5", "0")
    assert reasons(schema_of(table))["refund"].startswith("leak: alone it predicts with AUC 1.000")
    assert "refund" in schema_of(table, keep=["refund"]).of_kind("number")


def test_a_column_that_is_blank_for_those_who_stayed_is_a_leak():
    table = customers()
    causes = np.random.default_rng(3).choice(["price", "moved"], len(table))
    table["cause"] = np.where(table["churn"] == "Yes", causes, "")
    assert reasons(schema_of(table))["cause"].startswith("leak")


def test_dates_are_dropped_with_what_to_do_instead():
    table = customers()
    table["joined"] = pd.date_range("2020-01-01", periods=len(table)).strftime("%Y-%m-%d")
    assert "days since" in reasons(schema_of(table))["joined"]


def test_dates_that_customers_share_are_dates_and_not_too_many_categories():
    table = customers()
    table["joined"] = pd.date_range("2020-01-01", periods=200).strftime("%d.%m.%Y").tolist() * 2
    assert "days since" in reasons(schema_of(table))["joined"]


def test_text_that_holds_digits_is_no_number_with_signs():
    table = customers()
    table["town"] = [f"Town {number % 100}" for number in range(len(table))]
    assert reasons(schema_of(table))["town"] == "too many categories: 100, at most 60"


@pytest.mark.parametrize("name", ["probability", "category_codes"])
def test_a_column_named_as_a_tensor_of_the_graph_is_an_error_before_the_training(name):
    with pytest.raises(UnusableTable, match=f"{name}.*Rename that column"):
        schema_of(customers().rename(columns={"bill": name}))


def test_a_column_to_keep_that_is_not_there_is_an_error():
    with pytest.raises(UnusableTable, match="'moths'"):
        schema_of(customers(), keep=["moths"])


def test_a_table_of_nothing_but_identifiers_cannot_be_trained_on():
    with pytest.raises(UnusableTable, match="No column is left"):
        schema_of(customers()[["customer_id", "country", "churn"]])
    with pytest.raises(UnusableTable, match="no column but 'churn'"):
        schema_of(customers()[["churn"]])


@given(st.lists(st.one_of(st.sampled_from(sorted(MISSING_WORDS)), st.text(max_size=5)), min_size=1))
@example(["#n/a", "\0"])
def test_cleaning_twice_is_cleaning_once(cells):
    once = cleaned(pd.Series(cells, dtype=object))
    assert cleaned(once).tolist() == once.tolist()
