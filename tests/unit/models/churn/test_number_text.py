"""Numbers as people write them are read as what they are, or not at all."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.churn.contract import Column
from models.churn.number_text import MAX_LENGTH, MISSING_WORDS, Notation, number_of, split_number
from models.churn.numbers import parsed, reading_of
from models.churn.raw_values import places_of, tensor

NUMBERS = st.lists(st.integers(-(10**11), 10**11).map(lambda cents: cents / 100), min_size=3, max_size=40)
STYLES = {
    "euro": lambda x: english(x).translate(str.maketrans(",.", ".,")) + " €",
    "dollar": lambda x: english(x).replace("-", "-$") if x < 0 else f"${english(x)}",
    "percent": lambda x: f"{x:.2f}%",
    "spaces": lambda x: english(x).replace(",", "\u202f").replace(".", ","),
    "swiss": lambda x: "CHF " + english(x).replace(",", "'"),
    "brackets": lambda x: f"({english(-x)})" if x < 0 else english(x),
    "minus at the end": lambda x: f"{english(-x)}-" if x < 0 else english(x),
    "months": lambda x: f"{x:.2f} month" if x == 1 else f"{x:.2f} months",
    "decimal comma": lambda x: f"{x:.2f}".replace(".", ","),
}


def english(number):
    return f"{number:,.2f}"


def column(cells):
    return pd.Series(cells, dtype=object, name="x")


def read(cells):
    reading = reading_of(column(cells))
    assert reading.is_number, reading
    return parsed(column(cells), reading.notation).tolist()


@pytest.mark.parametrize("style", STYLES)
@given(numbers=NUMBERS)
def test_a_column_in_one_notation_is_read_as_the_numbers_that_were_written(style, numbers):
    assert read([STYLES[style](number) for number in numbers]) == numbers


@pytest.mark.parametrize("style", STYLES)
@given(numbers=NUMBERS)
def test_files_and_stream_read_a_number_as_the_training_did(style, numbers):
    cells = [STYLES[style](number) for number in numbers]
    reading = reading_of(column(cells))
    made = Column(name="x", kind="number", nullable=False, reference=0.0, notation=reading.notation)
    scored = tensor(made, places_of(made), cells)
    assert not scored.refusals
    assert scored.values[:, 0].tolist() == np.array(numbers, np.float32).tolist()


@given(NUMBERS, st.lists(st.sampled_from(sorted(MISSING_WORDS)), max_size=20))
def test_words_for_nothing_are_missing_numbers(numbers, words):
    cells = [f"{number:.2f}" for number in numbers] + words
    assert read(cells)[: len(numbers)] == numbers
    assert np.isnan(read(cells)[len(numbers) :]).all()


@pytest.mark.parametrize(
    ("cells", "number"),
    [
        (["392.34", "1,064.48", "12"], 1064.48),
        (["1 234", "5 678", "12 345 678"], 5678),
        (["1,234,567", "2,345,678"], 2_345_678),
        (["0,234", "1,500"], 1.5),
        (["1,00,000", "12,34,567"], 1_234_567),
        (["$-5", "$5"], 5),
        (["$(12.50)", "$7"], 7),
        (["R$ 1.234,50", "R$ 7,00"], 7),
        (["0", "1,5 %"], 1.5),
        (["1.50", "2.125"], 2.125),
        (["12 months", "1 month"], 1),
        (["100GB", "50GB"], 50),
    ],
)
def test_the_notation_of_the_whole_column_decides(cells, number):
    assert number in read(cells)


@pytest.mark.parametrize(
    ("cells", "shown"),
    [
        (["1,234", "2,500"], "'1,234' may be 1234 or a fraction"),
        (["999", "1,234"], "'1,234' may be 1234"),
        (["999", "1.234", "12"], "'1.234' may be 1234"),
        (["1.234 €", "999 €"], "'1.234 €' may be 1234 € or"),
        (["$5", "$6", "€7"], "'€7' beside '$5'"),
        (["45%", "12%", "0.3"], "'0.3' beside '45%'"),
        (["19.99", "20.50", "19,99"], "'19,99' (in 1 rows)"),
        ([f"{number}.5" for number in range(99)] + ["on request"] * 9, "'on request' (in 9 rows) is none"),
    ],
)
def test_what_could_be_two_numbers_is_named_by_a_cell_that_is_at_fault(cells, shown):
    reading = reading_of(column(cells))
    assert not reading.is_number
    assert shown in reading.fault


@pytest.mark.parametrize(
    "cells",
    [
        ["Town 5", "Town 6"],
        ["3G", "4G", "5G"],
        ["5+", "1", "2"],
        ["10-20", "20-30"],
        ["1 year", "6 months"],
        ["12 Oak Street", "7 Elm Road"],
        ["(555) 123-4567", "(555) 765-4321"],
        ["01234", "56789", "00501"],
        ["Less than $40K", "$120K +"],
        ["10.0.0.1", "10.0.0.2"],
        ["NA", "EU"],
        ["", "NA"],
    ],
)
def test_text_with_digits_stays_text(cells):
    reading = reading_of(column(cells))
    assert (reading.is_number, reading.fault) == (False, None)


@given(st.text(max_size=200))
def test_any_text_is_a_number_or_a_value_error(text):
    for notation in (None, Notation(), Notation(decimal=",", units=("€",))):
        try:
            number = number_of(text, notation)
        except ValueError:
            continue
        assert isinstance(number, float)


@given(st.lists(st.text(max_size=80), min_size=1, max_size=60))
def test_any_column_is_read_or_is_text(cells):
    reading = reading_of(column(cells))
    assert not (reading.is_number and reading.fault)
    assert len(parsed(column(cells), reading.notation)) == len(cells)


@pytest.mark.parametrize(
    "text", ["9" * 5_000_000, "1," * 2_500_000, " " * 2_500_000 + "1" + "€ " * 999_999, "(" * 5_000_000]
)
def test_text_longer_than_a_number_costs_nothing(text):
    assert split_number(text) is None
    assert len(text.strip()) > MAX_LENGTH


def test_another_unit_than_the_training_saw_is_refused():
    price = Column(name="price", kind="number", nullable=True, reference=1.0, notation=Notation(units=("$",)))
    scored = tensor(price, {}, ["$1,234.50", "7", 8, "€9", "NA", None])
    assert scored.values[[0, 1, 2], 0].tolist() == [1234.5, 7, 8]
    assert np.isnan(scored.values[[4, 5], 0]).all()
    assert scored.refusals == {3: "price is a number and not '€9'"}


def test_na_is_a_word_in_a_category_and_missing_in_a_model_of_before():
    region = Column(name="region", kind="category", nullable=True, categories=("", "EU", "NA"), reference="EU")
    new = region.model_copy(update={"missing_words": False})
    assert tensor(new, places_of(new), ["NA", " NA ", "na", " ", None]).values.tolist() == [2, 2, -1, 0, 0]
    old = region.model_copy(update={"categories": ("", "EU")})
    assert tensor(old, places_of(old), ["NA", "n/a", None]).values.tolist() == [0, 0, 0]
