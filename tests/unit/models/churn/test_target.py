"""The column that is predicted."""

import pytest

from models.churn.errors import UnusableTable
from models.churn.target import target_of
from tests.unit.models.churn.customers import customers


def test_the_target_is_found_by_its_name_and_yes_means_left():
    target = target_of(customers())
    assert (target.name, target.positive, target.negative) == ("churn", "Yes", "No")
    assert target.labels.sum() == (customers()["churn"] == "Yes").sum()


def test_the_other_value_can_be_the_one_to_predict():
    assert target_of(customers(), positive="No").negative == "Yes"


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        (lambda table: table, {"name": "Chrn"}, "Say --target with one of: customer_id"),
        (lambda table: table.drop(columns="churn"), {}, "Which column says who left"),
        (lambda table: table.assign(churn="No"), {}, "'No' in every row"),
        (lambda table: table, {"name": "contract"}, "has 3 values"),
        (lambda table: table.assign(churn=["", *table["churn"][1:]]), {}, "blank in 1 rows"),
        (lambda table: table.head(60), {}, "60 rows"),
        (lambda table: table, {"positive": "Maybe"}, "never 'Maybe'"),
        (lambda table: table.assign(churn=table["churn"].map({"Yes": "A", "No": "B"})), {}, "Which value of 'churn'"),
    ],
)
def test_a_target_that_cannot_be_predicted_is_said_with_what_to_do(change, options, words):
    with pytest.raises(UnusableTable, match=words):
        target_of(change(customers()), **options)
